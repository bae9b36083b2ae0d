#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Packets into a file that tcpdump reads: before and after the cipher, filtered, under load, and
# with a reader that dies.
#
#   a-lan ── a-gw [headgate] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
expect pings a-lan "$(host4 b)"

begun() { [ "$(grep -c 'capture of packets begins' "$run/gateway-a.log")" -ge "$1" ]; }
ended() { [ "$(grep -c 'capture of packets ends' "$run/gateway-a.log")" -ge "$1" ]; }
n_captures=0
capture_start() { # FILE ARGUMENT…
	local file=$1
	shift
	"$headgate" -s "/run/headgate/${site_dev[a]}.sock" capture -w "$file" --timeout 30 "$@" \
		2>"$run/capture.err" &
	capture_pid=$!
	n_captures=$((n_captures + 1))
	expect_within 5 begun "$n_captures"
	sleep 0.1
}
capture_end() {
	kill -INT "$capture_pid" 2>/dev/null
	wait "$capture_pid" || scene_failed "the capture failed: $(cat "$run/capture.err")"
}
packets() { # FILE [FILTER…] -> how many tcpdump reads
	tcpdump -n -r "$@" 2>/dev/null | wc -l
}

read_both() { "$scene_dir/pcapng.py" "$run/both" >"$run/both.text"; }

proves "the socket, and what is captured, are root's alone"
expect [ "$(stat -c %a:%U "/run/headgate/${site_dev[a]}.sock")" = 600:root ]

proves "inside the cipher, on hg0: three pings there and back"
capture_start "$run/inner" -i hg0 icmp
expect [ "$(stat -c %a "$run/inner")" = 600 ]
on a-lan ping -q -n -c 3 -i 0.2 -W 2 "$(host4 b)" >/dev/null
capture_end
expect [ "$(packets "$run/inner")" -eq 6 ]
expect [ "$(packets "$run/inner" src host "$(host4 a)" and dst host "$(host4 b)")" -eq 3 ]
expect [ "$(packets "$run/inner" not icmp)" -eq 0 ]
expect grep -q '6 packets captured, 0 lost' "$run/capture.err"

proves "outside of it: the same as datagrams on wan and plain on lan; both in one file"
capture_start "$run/outer" --outer -i wan udp port 51820
on a-lan ping -q -n -c 3 -i 0.2 -W 2 "$(host4 b)" >/dev/null
capture_end
expect [ "$(packets "$run/outer" src host "$(wan4 a)")" -ge 3 ]
expect [ "$(packets "$run/outer" dst host "$(wan4 a)")" -ge 3 ]
expect [ "$(packets "$run/outer" icmp)" -eq 0 ]
capture_start "$run/both"
on a-lan ping -q -n -c 3 -i 0.2 -W 2 "$(host4 b)" >/dev/null
capture_end
expect read_both
for way in 'lan in' 'hg0 out' 'hg0 in' 'lan out'; do # the ping's size with and without Ethernet
	size=84
	[ "${way% *}" = hg0 ] || size=98
	expect [ "$(grep -c "^$way $size $size" "$run/both.text")" -eq 3 ]
done
expect [ "$(grep -Ec '^wan (in|out) 170 170' "$run/both.text")" -eq 6 ]

proves "-c ends it, -s shortens, and a pipe is fine"
capture_start "$run/some" -c 4 -s 40 -i hg0
on a-lan ping -q -n -c 4 -i 0.2 -W 2 "$(host4 b)" >/dev/null
expect wait "$capture_pid"
expect [ "$(packets "$run/some")" -eq 4 ]
(headgate_ctl a capture -w - -c 2 -i hg0 --timeout 20 icmp 2>/dev/null |
	tcpdump -n -r - >"$run/piped" 2>/dev/null) &
n_captures=$((n_captures + 1))
expect_within 5 begun "$n_captures"
on a-lan ping -q -n -c 2 -i 0.2 -W 2 "$(host4 b)" >/dev/null
wait $!
expect [ "$(grep -c 'ICMP echo' "$run/piped")" -eq 2 ]

proves "what cannot be is said"
refuse headgate_ctl a capture -w "$run/x" no such filter
refuse headgate_ctl a capture -w "$run/x" --inner ether host 2:0:0:0:0:1
refuse headgate_ctl a capture -w "$run/x" -i hg9
refuse headgate_ctl a capture icmp

proves "under load nothing of the traffic is lost, and the file says what it holds"
capture_start "$run/load" --inner
flow_start load a-lan b-lan "$(host4 b)" --rate 2000 --seconds 3
flow_end load
capture_end
expect [ "$flow_unique" -eq "$flow_sent" ]
expect [ "$flow_reordered" -eq 0 ]
tail -n 1 "$run/capture.err"
expect [ "$(packets "$run/load" src host "$(host4 a)" and udp)" -ge "$flow_sent" ]

proves "a reader that is killed ends its capture, one that stalls hurts nobody"
capture_start "$run/killed"
stalled=$capture_pid
kill -STOP "$stalled"
flow_start stalled a-lan b-lan "$(host4 b)" --rate 2000 --seconds 2
flow_end stalled
expect [ "$flow_unique" -eq "$flow_sent" ]
expect headgate_ctl a status
kill -KILL "$stalled"
expect_within 10 ended "$n_captures"
expect pings a-lan "$(host4 b)"
