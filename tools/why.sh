#!/bin/sh
# One clear sentence for what a package tool wrote into a log: `why.sh LOG`. No log of ours is longer than a screen.
set -eu
log=$1
has() { grep -qiE "$1" "$log" 2>/dev/null; }

if has 'no space left|disk quota exceeded|ENOSPC|EDQUOT|os error (28|122)'; then
    echo "the disk is full; free some space here and in the package cache, and try again"
elif has 'certificate verify failed|CERTIFICATE_|invalid peer certificate|UnknownIssuer|SELF_SIGNED'; then
    echo "the certificate of the package index is not trusted here; set SSL_CERT_FILE to your CA bundle and try again"
elif has 'name resolution|name or service|dns error|ENOTFOUND|EAI_AGAIN|connection refused|ECONNREFUSED|ECONNRESET|ETIMEDOUT' ||
    has 'network is unreachable|ENETUNREACH|ProxyError|NewConnectionError|tunnel error|timed out|error sending request|from versions: none'; then
    echo "no package index answers; check the network (or HTTPS_PROXY, or your index settings) and try again"
elif has 'permission denied|EACCES|EPERM|read-only file system|EROFS|os error (13|30)'; then
    echo "a folder is not writable; give this checkout and the package cache to the user who runs make, and try again"
else
    reason=$(grep -iE 'error|fail' "$log" 2>/dev/null | head -n 1 || true)
    echo "${reason:-no reason was given}; the whole story is in $log"
fi
