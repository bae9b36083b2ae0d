#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What `meson install` of a build puts where:  tests/installed.sh BUILD
#
# Installs into a scratch root and holds the list against the one below; nothing else may be there.

set -eu
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
DESTDIR=$work/root meson install -C "$build" --no-rebuild --quiet >"$work/log" 2>&1 ||
	{ cat "$work/log"; exit 1; }
prefix=$(meson introspect "$build" --buildoptions |
	python3 -c 'import json, sys; print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')

# MODE and path; PREFIX stands for the prefix, ETC for the system's configuration.
cat >"$work/wanted" <<-END
	755 PREFIX/bin/headgate
	755 PREFIX/sbin/headgated
	644 UNITS/headgated.service
	644 UNITS/headgated@.service
	644 PREFIX/share/bash-completion/completions/headgate
	777 PREFIX/share/bash-completion/completions/headgated
	644 PREFIX/share/man/man1/headgate.1
	644 PREFIX/share/man/man5/headgate.conf.5
	644 PREFIX/share/man/man8/headgated.8
	644 PREFIX/share/zsh/vendor-completions/_headgate
	644 PREFIX/share/zsh/vendor-completions/_headgated
END
here=$(cd "$(dirname "$0")/.." && pwd)
for file in "$here"/docs/examples/*; do
	echo "644 PREFIX/share/doc/headgate/examples/$(basename "$file")"
done >>"$work/wanted"
for file in README.md CHANGELOG.md docs/operations.md; do
	echo "644 PREFIX/share/doc/headgate/$(basename "$file")"
done >>"$work/wanted"
for file in "$here"/drivers-config/*; do
	mode=644
	[ ! -x "$file" ] || mode=755
	echo "$mode PREFIX/share/headgate/drivers-config/$(basename "$file")"
done >>"$work/wanted"

(cd "$work/root" && find . ! -type d -printf '%m /%P\n') |
	sed -e "s|/lib/systemd/system/|UNITS/|; s|PREFIXUNITS|UNITS|; s|${prefix}UNITS|UNITS|" \
		-e "s| $prefix/| PREFIX/|" | sort >"$work/found"
diff <(sort "$work/wanted") "$work/found" || { echo "(< wanted, > installed)"; exit 1; }

etc=$(find "$work/root" -type d -name headgate -path '*etc/headgate' -printf '%m')
[ "$etc" = 700 ] || { echo "etc/headgate has mode '$etc', not 700"; exit 1; }
version=$("$work/root$prefix/sbin/headgated" --version) # of one place: meson.build
[ "$version" = "headgated $(meson introspect "$build" --projectinfo |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')" ]
grep -q "\"headgate ${version#* }\"" "$work/root$prefix/share/man/man8/headgated.8"
[ "$("$work/root$prefix/bin/headgate" --version)" = "headgate ${version#* }" ]
! grep -r '@[A-Z]*@' "$work/root$prefix/share" "$work/root$prefix/lib" 2>/dev/null ||
	{ echo "a marker was left"; exit 1; }
echo "$(wc -l <"$work/found") files, each where it belongs"
