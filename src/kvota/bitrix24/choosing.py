"""Which action a request is, by its engine, its category and its prompt's code, as the catalogue says."""

from kvota.bitrix24.asked import Asked
from kvota.catalogue_file.prompts import PICTURES
from kvota.core.account import Usage
from kvota.core.catalogue import Catalogue, Prompt
from kvota.errors import Invalid


def usage_of(catalogue: Catalogue, scenario: str, category: str, asked: Asked, subject: str | None) -> Usage:
    """What a request is charged as: the first rule that fits. Raises ``Invalid`` where none does."""
    rule = next((rule for rule in catalogue.bitrix24.rules.values() if _fits(rule, scenario, category, asked)), None)
    if rule is None:
        raise Invalid(
            f"The catalogue {catalogue.id} {catalogue.version} does not say what {asked.code or 'this'!r} of the "
            f"engine {scenario} is: add a rule to [bitrix24.prompts]."
        )
    known = {**catalogue.bitrix24.quantities, **({PICTURES: asked.pictures} if category == "image" else {})}
    action = catalogue.actions[rule.action]
    return Usage(
        action=action.id,
        stages=rule.stages,
        quantities={name: known[name] for name in action.quantities},
        subject=subject,
        user=asked.user,
    )


def _fits(rule: Prompt, scenario: str, category: str, asked: Asked) -> bool:
    return (
        (not rule.scenarios or scenario in rule.scenarios)
        and (not rule.categories or category in rule.categories)
        and (rule.conversation is None or rule.conversation == bool(asked.collect_context))
        and (not rule.codes or any(_is_like(asked.code, code) for code in rule.codes))
    )


def _is_like(code: str, pattern: str) -> bool:
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern
