# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
# A private apt for one suite of Debian: the mirror is that of the machine's own sources, lists, caches and settings lie
# in $tmp. For scripts that have $suite and $tmp and the functions of lib.sh; `thrice refresh` makes it ready, and
# then `apt get ...` is it.

# The first URI that carries Debian's main archive, from one-line (.list) and deb822 (.sources) files.
machines_mirror() {
    local parts=/etc/apt/sources.list.d file
    for file in "$parts"/*.sources /etc/apt/sources.list "$parts"/*.list; do
        [[ -r $file ]] || continue
        awk -v deb822="$([[ $file == *.sources ]] && echo 1 || echo 0)" '
            function offer(uris, names, components,    n, i, uri) {
                if (names ~ /security/ || components !~ /(^|[ \t])main([ \t]|$)/) return
                n = split(uris, uri, /[ \t]+/)
                for (i = 1; i <= n; i++)
                    if (uri[i] ~ /^(https?|mirror\+https?|file):.*\/debian\/?$/) { print uri[i]; done = 1; exit }
            }
            function stanza() {
                if (f["types"] ~ /(^|[ \t])deb([ \t]|$)/ && f["enabled"] !~ /^(no|false|0)/)
                    offer(f["uris"], f["suites"], f["components"])
                split("", f)
                key = ""
            }
            /^[ \t]*#/ { next }
            !deb822 && $1 == "deb" {
                sub(/^[ \t]*deb[ \t]+(\[[^]]*\])?[ \t]*/, "")
                uri = $1; name = $2; $1 = $2 = ""
                offer(uri, name, $0)
                next
            }
            !deb822 { next }
            /^[ \t]*$/ { stanza(); next }
            /^[^ \t:]+:/ {
                key = tolower($0); sub(/:.*/, "", key)
                sub(/^[^:]*:[ \t]*/, ""); f[key] = $0
                next
            }
            key != "" { sub(/^[ \t]+/, ""); f[key] = f[key] " " $0 }
            END { if (deb822 && !done) stanza() }' "$file"
    done | { read -r first && echo "${first%/}"; cat >/dev/null; }
}

mirror=${SONDE_DEBIAN_MIRROR:-$(machines_mirror || true)}
[[ -n $mirror ]] || die "the apt sources of this machine name no Debian main archive; set SONDE_DEBIAN_MIRROR."

keyring=
for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
    if [[ -r $file ]]; then keyring=$file && break; fi
done

# The settings come as a file read after the machine's own, as only a file can clear a list: the machine's hooks
# would otherwise run as if its own lists had been updated.
private_apt() { # SUITE [OPTION]
    apt_dir=$tmp/$1
    mkdir -p "$apt_dir"/{lists,archives}/partial
    cat >"$apt_dir/apt.conf" <<CONF
#clear APT::Update;
#clear DPkg::Pre-Install-Pkgs;
Dir::Etc::SourceList "$apt_dir/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$apt_dir";
Dir::State::Lists "$apt_dir/lists";
Dir::State::Status "/dev/null";
Dir::Cache "$apt_dir";
Dir::Cache::Archives "$apt_dir/archives";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "0";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
CONF
    local options="arch=amd64"
    [[ -z $keyring ]] || options+=" signed-by=$keyring"
    echo "deb [$options${2:+ $2}] $mirror $1 main" >"$apt_dir/sources.list"
}

apt() { "apt-$1" -q -c "$apt_dir/apt.conf" "${@:2}" 2>"$tmp/errors"; }
# The machine's newer apt prints warnings first; the cause is the first error.
cause() { { grep -m1 '^E: ' "$tmp/errors" || head -n1 "$tmp/errors"; } | sed 's/^E: //'; }
thrice() { "$@" || "$@" || "$@"; }

update() { apt get update >/dev/null; }
lacks_key() { grep -Eq 'NO_PUBKEY|EXPKEYSIG|Missing key' "$tmp/errors"; }

# An old machine does not have the keys of a young suite, but a suite it can verify has them in a package.
younger_keyring() {
    local from
    for from in trixie bookworm bullseye; do
        [[ $from != "$suite" ]] || continue
        private_apt "$from"
        update && (cd "$apt_dir" && apt get download debian-archive-keyring >/dev/null) || continue
        dpkg-deb -x "$apt_dir"/debian-archive-keyring_*.deb "$apt_dir/keys" || continue
        for keyring in "$apt_dir"/keys/usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
            if [[ ! -r $keyring ]]; then continue; fi
            private_apt "$suite"
            if update; then return 0; fi
        done
    done
    return 1
}

refresh() {
    private_apt "$suite"
    if update; then return 0; fi
    lacks_key || return 1
    if younger_keyring; then return 0; fi
    say "no key on this machine verifies Debian $suite: taking its packages unverified."
    keyring=
    private_apt "$suite" trusted=yes
    update
}
