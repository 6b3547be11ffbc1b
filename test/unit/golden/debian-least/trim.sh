# Rendered by vmkiln and run in the guest as its very last step: gives the blocks of deleted files back, so that the image is small.
set -eu

command -v fstrim > /dev/null 2>&1 || { echo "vmkiln: there is no fstrim: the image is larger than it need be"; exit 0; }
while read -r device folder type options rest; do
  case $device in /dev/*) ;; *) continue ;; esac
  case ",$options," in *,rw,*) ;; *) continue ;; esac
  # Not every filesystem can; an EFI system partition is one that may not.
  fstrim -v "$folder" || echo "vmkiln: could not trim $folder"
done < /proc/mounts
