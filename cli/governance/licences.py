"""What a declared licence means for a project under Apache-2.0."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

Kind = Literal["permissive", "weak copyleft", "strong copyleft", "proprietary", "unknown"]
RANK: tuple[Kind, ...] = ("permissive", "weak copyleft", "strong copyleft", "proprietary", "unknown")

PERMISSIVE = """
0BSD AFL-2.1 Apache-2.0 blessing BSD-1-Clause BSD-2-Clause BSD-3-Clause BSL-1.0 bzip2-1.0.6 CC-BY-4.0 CC0-1.0
CNRI-Python HPND ISC libpng-2.0 MIT MIT-0 MIT-CMU NCSA PSF-2.0 Python-2.0 Python-2.0.1 Unicode-3.0 Unlicense WTFPL X11
Zlib ZPL-2.1
"""
WEAK = """
Artistic-1.0 Artistic-2.0 CDDL-1.0 EPL-1.0 EPL-2.0 LGPL-2.1 LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0
LGPL-3.0-only LGPL-3.0-or-later MPL-2.0
"""
STRONG = """
AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later GPL-2.0 GPL-2.0-only GPL-2.0-or-later GPL-3.0 GPL-3.0-only GPL-3.0-or-later
"""
KINDS: dict[str, Kind] = {
    **dict.fromkeys(PERMISSIVE.split(), "permissive"),
    **dict.fromkeys(WEAK.split(), "weak copyleft"),
    **dict.fromkeys(STRONG.split(), "strong copyleft"),
}
LONGEST = 200
"""Words of an expression; one that is longer is nested to do harm."""
LINKING = ("GCC-exception-2.0", "GCC-exception-3.1", "LLVM-exception", "Classpath-exception-2.0", "Linux-syscall-note")
"""Exceptions that let code under any licence be put together with what they are for."""

BSD = "BSD-2-Clause OR BSD-3-Clause"  # which one is not said
# What authors wrote before there were identifiers: classifiers, and the field that takes any text.
WORDS = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "apache-2.0 license": "Apache-2.0",
    "bsd": BSD,
    "bsd license": BSD,
    "bsd licence": BSD,
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd-3": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "simplified bsd": "BSD-2-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "historical permission notice and disclaimer (hpnd)": "HPND",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "the mit license": "MIT",
    "the mit license (mit)": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
    "psf license": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
    "unlicense": "Unlicense",
    "zpl 2.1": "ZPL-2.1",
    "gnu general public license v3 (gplv3)": "GPL-3.0-only",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "gnu lesser general public license v2 or later (lgplv2+)": "LGPL-2.1-or-later",
    "nvidia proprietary software": "LicenseRef-NVIDIA-Proprietary",
    "public domain": "CC0-1.0",
    "cc0 1.0 universal (cc0 1.0) public domain dedication": "CC0-1.0",
}


def declared(metadata: Mapping[str, Any]) -> str:
    """The licence that a package's metadata names, in SPDX where it can be told, else as written; empty for none.

    An SPDX expression comes first, then the field for any text where it is short, then the classifiers; where there are
    several of these, all are taken to apply.
    """
    expression, text = metadata.get("license_expression") or "", (metadata.get("license") or "").strip()
    classes = [each.split(" :: ")[-1] for each in metadata.get("classifier", []) if each.startswith("License :: ")]
    classes = sorted({spdx(each) for each in classes if each != "OSI Approved"})
    short = spdx(text) if len(text) < 100 and "\n" not in text else ""
    spoken = " AND ".join(f"({each})" if len(classes) > 1 and " " in each else each for each in classes)
    choices = [choice for choice in (expression, short, spoken) if choice]
    return next((choice for choice in choices if kind(choice) != "unknown"), choices[0] if choices else "")


def spdx(text: str) -> str:
    """The identifier for what an author wrote, or the words themselves."""
    return WORDS.get(" ".join(text.lower().split()), text)


def kind(expression: str) -> Kind:
    """What an SPDX expression allows: of a choice (OR) the best part counts, of a sum (AND) the worst."""
    words = re.findall(r"[()]|[^\s()]+", expression)[::-1]
    if len(words) > LONGEST:
        return "unknown"

    def next_is(word: str) -> bool:
        return bool(words) and words[-1].upper() == word

    def take() -> str:
        return words.pop() if words else ""

    def joined(word: str, part: Callable[[], int], choose: Callable[[int, int], int]) -> int:
        found = part()
        while next_is(word):
            take()
            found = choose(found, part())
        return found

    def either() -> int:
        return joined("OR", lambda: joined("AND", one, max), min)

    def one() -> int:
        word = take()
        if word == "(":
            found = either()
            return found if take() == ")" else RANK.index("unknown")
        found = RANK.index(KINDS.get(word, "unknown"))
        if re.match("LicenseRef-.*(nvidia|proprietary)", word, re.IGNORECASE):
            found = RANK.index("proprietary")
        if next_is("WITH"):
            take()
            if take() not in LINKING:
                return RANK.index("unknown")
            found -= RANK[found] == "strong copyleft"  # then it is a weak one
        return found

    found = either()
    return "unknown" if words else RANK[found]
