#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The UAPI socket, byte for byte: each right and wrong request is answered as wireguard-go answers
# it; two writers at once never mix; and nobody can put another socket in its place.
#
#   a-gw [headgate hg0]          b-gw [wireguard-go wg1]: the oracle
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
ours=/run/wireguard/${site_dev[a]}.sock
theirs=/run/wireguard/${site_dev[b]}.sock
uapi() { python3 "$scene_dir/uapi.py" "$@"; }

# A /run of this scene's own, without wireguard in it: its real one is everybody's.
private_run() {
	local d
	mount --rbind /run /mnt && mount -t tmpfs -o mode=0755 run /run || die "cannot mount /run"
	for d in headgate-scratch headgate dpdk netns; do
		mkdir "/run/$d" && mount --rbind "/mnt/$d" "/run/$d" || die "cannot mount /run/$d"
	done
}

proves "every key, value and error: the same answer as wireguard-go's"
expect uapi compare "$ours" "$theirs"
expect is_alive gateway-a

proves "two writers of whole configs, and a reader who only ever sees one or the other"
expect uapi writers "$ours"

proves "control bytes do not reach the log"
refuse grep -q '[[:cntrl:]]' <(tr -d '\n' <"$run/gateway-a.log")

proves "the socket is the owner's alone"
expect [ "$(stat -c %a "$ours")" = 600 ]
expect gateway_down a
expect [ ! -e "$ours" ]

starts_not() { # WORDS: it ends and says so
	refuse gateway_up a
	expect grep -q "$1" "$run/gateway-a.log"
	halt gateway-a
}

proves "what stands in the socket's place is never followed, nor taken away"
touch "$run/precious"
ln -s "$run/precious" "$ours"
starts_not "in the way"
rm "$ours"
ln -s "$theirs" "$ours"
starts_not "in the way"
expect wg show "${site_dev[b]}" public-key
rm "$ours"
spawn other a-gw socat "UNIX-LISTEN:$ours,fork" EXEC:cat
expect_within 5 test -S "$ours"
starts_not "served by another process"
halt other
rm -f "$ours"

proves "nor a directory that is a link, another user's, or open to others"
chmod 777 /run/wireguard
starts_not "can be written by others"
chmod 755 /run/wireguard
chown 65534 /run/wireguard
starts_not "belongs to another user"
chown 0 /run/wireguard
expect gateway_down b
private_run
ln -s "$run" /run/wireguard
starts_not "no directory, or a link"
rm /run/wireguard

proves "a directory it has to make is 0700, and a socket that nobody serves is taken over"
umask 0
expect gateway_up a
umask 077
expect [ "$(stat -c %a /run/wireguard)" = 700 ]
expect gateway_down a
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$ours"
expect gateway_up a
expect wg show "${site_dev[a]}"
