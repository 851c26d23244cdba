#!/bin/sh
# Puts formcheck into this user's menu, and opens .formcheck files with it.
#     ./install.sh             from where this folder is now; move it first if it is to be elsewhere
#     ./install.sh --remove    takes it out again; days and recordings stay
set -eu
here=$(cd "$(dirname "$0")" && pwd)
share=${XDG_DATA_HOME:-$HOME/.local/share}
entry=$share/applications/formcheck.desktop
type=$share/mime/packages/formcheck.xml
icons=$share/icons/hicolor
if [ "${1:-}" = --remove ]; then
    rm -f "$entry" "$type" "$icons"/*/apps/formcheck.png "$icons"/scalable/apps/formcheck.svg
else
    mkdir -p "$share/applications" "$share/mime/packages" "$icons"
    cp -R "$here/share/icons/hicolor/." "$icons/"
    cp "$here/share/mime/packages/formcheck.xml" "$type"
    sed "s|^Exec=formcheck-app|Exec=\"$here/formcheck-app\"|" \
        "$here/share/applications/formcheck.desktop" > "$entry"
fi
if command -v update-mime-database > /dev/null; then update-mime-database "$share/mime"; fi
if command -v update-desktop-database > /dev/null; then update-desktop-database "$share/applications"; fi
if [ "${1:-}" != --remove ] && command -v xdg-mime > /dev/null; then
    xdg-mime default formcheck.desktop application/x-formcheck-programme
fi
