"""Whether the image is built from every file of the crates, and from nothing that git does not keep."""

import subprocess
from pathlib import Path

from docker.utils.build import exclude_paths

ROOT = Path(__file__).parents[3]
CRATES = ("audit/", "engine/", "fixtures/", "reports/", "rules/", "tests/", "Cargo.")

ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
sent = {path for path in exclude_paths(str(ROOT), ignored, dockerfile="engine/deploy/Dockerfile") if (ROOT / path).is_file()}
listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
kept = {path for path in listed.stdout.splitlines() if path.startswith(CRATES) and not path.startswith("engine/deploy/")}
sent = {path for path in sent if not path.startswith("engine/deploy/") and path != ".dockerignore"}
assert kept - sent == set(), f"not in the image's context: {sorted(kept - sent)[:5]}"
assert sent - kept == set(), f"in the image's context, but not in git: {sorted(sent - kept)[:5]}"
print(f"build context: {len(sent)} files passed")
