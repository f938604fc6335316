# What building and testing need, as packages of Debian 12 and Ubuntu; sourced by quickstart and check.
BUILD_PACKAGES="gcc make autoconf automake pkg-config libc6-dev libevent-dev libssl-dev libdb-dev libunbound-dev libgsasl-dev
libcrypt-dev libpcre2-dev libidn2-dev libunistring-dev libseccomp-dev libjansson-dev zlib1g-dev check openssl ca-certificates
dns-root-data python3"
TEST_PACKAGES="clang libclang-rt-14-dev git strace swaks libnet-ssleay-perl libio-socket-ssl-perl isync getmail6 fetchmail s-nail mutt curl mandoc
xfsprogs e2fsprogs mount procps"

# missing_packages NAME...: those that are not installed.
missing_packages() {
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
	done
}

# need_packages NAME...: installs what is missing as root, or prints the one line to run.
need_packages() {
	if ! command -v dpkg-query >/dev/null; then
		echo "This is not Debian or Ubuntu; these packages, or what your system calls them, are needed:" $BUILD_PACKAGES >&2
		return 0
	fi
	missing=$(missing_packages "$@" | tr '\n' ' ')
	[ -z "$missing" ] && return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "Missing packages. Run this, then try again:" >&2
		echo "  sudo apt-get install --no-install-recommends -y $missing" >&2
		return 1
	fi
	echo "Installing: $missing"
	# No service that comes along may be started.
	policy=/usr/sbin/policy-rc.d
	made=
	[ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && made=yes; }
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >apt.log 2>&1
	status=$?
	[ -n "$made" ] && rm -f $policy
	[ $status -eq 0 ] || { tail -20 apt.log >&2; echo "apt-get failed: see apt.log" >&2; return 1; }
	rm -f apt.log
}
