"""The page on dependencies."""

from collections import Counter
from collections.abc import Iterable, Sequence

from cli.governance.environments import Environment
from cli.governance.lock import FILE as LOCK
from cli.governance.lock import Audit, Lock, Package
from cli.governance.programs import PYTHON
from cli.governance.reviewed import FILE as REVIEWED
from cli.governance.reviewed import Reviewed

HEAD = f"""# Dependencies

Written by `./scratch governance` from the lists of packages in the repository, `{LOCK}` and
`{REVIEWED}`. The lists are resolved for Python {PYTHON} on Linux x86-64, with the packages that
PyPI has for it; other systems get some others. Licences are what a package's own metadata declares, which nobody here
has checked against its sources, and what is said of them is an engineer's reading and no legal advice.

Nothing of these packages is copied into this repository, so it has no NOTICE. An image or an environment that is handed
on does contain them; their licences lie in their `*.dist-info` folders and go with it.

## Licences that ask for more than a notice

Weak copyleft (MPL, LGPL) asks for the source of changes to the package itself; here the packages are used unchanged, so
it is compatible with Apache-2.0. Anything stricter, or unknown, needs a reason.
"""
NO_ANSWER = """This does not mean that there are none.
Where the package index answers, `./scratch governance --refresh` asks it about every package."""
ELSEWHERE = (
    "No package index knows these, so pip-audit is not asked about them: who builds with them follows their own news."
)


def page(environments: Sequence[Environment], lock: Lock, reviewed: Reviewed, elsewhere: Sequence[Package] = ()) -> str:
    """All packages of all environments, those that stand out first; then what comes from `elsewhere`."""
    number = {environment.name: n for n, environment in enumerate(environments, start=1)}
    named = direct(environments)
    size = Counter(name for package in lock.packages for name in package.environments)

    def licence(package: Package) -> str:
        return reviewed.licence(package) or "none given"

    def where(package: Package) -> str:
        return " ".join(str(number[name]) for name in package.environments)

    def who(package: Package) -> str:
        return ", ".join([*(["our lists"] if package.name in named else []), *package.needed_by])

    def why(package: Package) -> str:
        weak = reviewed.kind(package) == "weak copyleft"
        return reviewed.reason(package) or ("used unchanged" if weak else "**nobody has said so yet**")

    odd = [package for package in lock.packages if reviewed.kind(package) != "permissive"]
    ours = [package for package in lock.packages if package.name in named]
    others = [package for package in lock.packages if package.name not in named]
    return "\n".join(
        [
            HEAD,
            *_table(
                ("Package", "Version", "Licence", "Kind", "Needed by", "Why it is no obstacle"),
                (
                    (
                        p.name,
                        p.version,
                        licence(p),
                        reviewed.kind(p),
                        who(p),
                        why(p),
                    )
                    for p in odd
                ),
            ),
            "",
            "## Known vulnerabilities",
            "",
            *_vulnerabilities(lock.audit, lock.packages),
            "",
            "## Environments",
            "",
            *_table(
                ("", "Environment", "Named", "In all"),
                ((number[e.name], e.name, len(e.requirements), size[e.name]) for e in environments),
            ),
            "",
            "## Packages that our lists name",
            "",
            *_table(
                ("Package", "Version", "Licence", "For", "In"),
                ((p.name, p.version, licence(p), reviewed.purposes.get(p.name, ""), where(p)) for p in ours),
            ),
            "",
            "## Packages that these bring",
            "",
            *_table(
                ("Package", "Version", "Licence", "Needed by", "In"),
                ((p.name, p.version, licence(p), who(p), where(p)) for p in others),
            ),
            "",
            "## From elsewhere",
            "",
            ELSEWHERE,
            "",
            *_table(
                ("What", "Version", "Licence", "For", "In"),
                (
                    (
                        p.name,
                        p.version,
                        reviewed.reason(p) or licence(p),
                        reviewed.purposes.get(p.name, ""),
                        *p.environments,
                    )
                    for p in elsewhere
                ),
            ),
            "",
        ]
    )


def direct(environments: Iterable[Environment]) -> set[str]:
    """The packages that our own lists name."""
    return {name for environment in environments for name in environment.direct()}


def _vulnerabilities(audit: Audit, packages: Sequence[Package]) -> list[str]:
    pins = {f"{package.name}=={package.version}" for package in packages}
    answered = pins.intersection(audit.asked)
    if not answered:
        asked = f"pip-audit asked on {audit.date} and got no answer" if audit.date else "Nobody has asked yet"
        return [f"**Not known.** {asked}{f' ({audit.reason})' if audit.reason else ''}. {NO_ANSWER}"]
    lines = [f"pip-audit asked on {audit.date}, and got an answer for {len(answered)} of {len(pins)} packages."]
    if unanswered := sorted(pins - answered):
        why = audit.reason or "they came later"
        lines += ["", f"**Nothing is known about {len(unanswered)}** ({why}): {', '.join(unanswered)}."]
    found = [each for each in audit.advisories if f"{each.package}=={each.version}" in answered]
    if not found:
        return [*lines, "", "None is known for those that there was an answer for."]
    rows = ((each.package, each.version, each.id, ", ".join(each.fixed_in) or "no version yet") for each in found)
    return [*lines, "", *_table(("Package", "Version", "Advisory", "Mended in"), rows)]


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]
