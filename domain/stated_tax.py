"""The tax a shop states for a line or charge: by category and rate, or by a tax class that is resolved."""

from decimal import Decimal
from enum import StrEnum

from domain.cart import TaxCategory, TaxRule
from domain.checkout import Customer, RequestedCharge, RequestedLine
from domain.exemptions import EXEMPT_CODES
from domain.tax import AppliedTax, Supply, TaxSituation, Unresolved, resolve
from domain.tax_rates import TaxClass
from domain.violations import Violations

_RATE_DECIMALS = 4
_NOTHING = Decimal(0)


def applied_tax(
    violations: Violations,
    pointer: str,
    item: RequestedLine | RequestedCharge,
    buyer: object,
    situation: TaxSituation | None,
) -> AppliedTax | None:
    """What falls on the line or charge at `pointer`, or None and violations."""
    if not _is_one_of(Supply, item.supply):
        violations.add(f"{pointer}/supply", f"must be one of {', '.join(Supply)}")
        return None
    if item.tax_class is None:
        return _stated(violations, pointer, item)
    return _resolved(violations, pointer, item, buyer, situation)


def check_exemption(violations: Violations, pointer: str, line: RequestedLine) -> None:
    """What is exempt says why: by code, or in words. Nothing else does; the other categories' reasons are known."""
    code: object = line.exemption_code
    reason = line.exemption_reason
    violations.check_text(f"{pointer}/exemption_reason", reason, most=200, optional=True)
    if code is not None and (not isinstance(code, str) or code not in EXEMPT_CODES):
        violations.add(f"{pointer}/exemption_code", 'must be a code of the VATEX list for category E, "VATEX-EU-132"')
    if line.tax_category == TaxCategory.EXEMPT:
        if code is None and reason is None:
            violations.add(f"{pointer}/exemption_reason", "is needed in category E, unless exemption_code says it")
    elif code is not None or reason is not None:
        violations.add(f"{pointer}/exemption_{'code' if code is not None else 'reason'}", "is for category E only")


def _resolved(
    violations: Violations,
    pointer: str,
    item: RequestedLine | RequestedCharge,
    buyer: object,
    situation: TaxSituation | None,
) -> AppliedTax | None:
    if not _is_one_of(TaxClass, item.tax_class):
        violations.add(f"{pointer}/tax_class", f"must be one of {', '.join(TaxClass)}")
        return None
    stated: tuple[object, object] = (item.tax_category, item.tax_rate)
    if stated != (TaxCategory.STANDARD, None):
        violations.add(f"{pointer}/tax_class", "takes the place of tax_category and tax_rate: state one or the other")
        return None
    if situation is None:
        violations.add(f"{pointer}/tax_class", "cannot be resolved here; state tax_category and tax_rate")
        return None
    if not isinstance(buyer, Customer):  # what is wrong with him is said elsewhere
        return None
    try:
        return resolve(TaxClass(str(item.tax_class)), Supply(item.supply), buyer, situation)
    except Unresolved as error:
        violations.add(f"{pointer}/tax_class", str(error))
        return None


def _is_one_of(kind: type[StrEnum], value: object) -> bool:
    return isinstance(value, str) and value in set(kind)


def _stated(violations: Violations, pointer: str, item: RequestedLine | RequestedCharge) -> AppliedTax | None:
    category = _category(violations, f"{pointer}/tax_category", item.tax_category)
    rate = _rate(violations, f"{pointer}/tax_rate", item.tax_rate, category)
    if category is None or rate is None:
        return None
    return AppliedTax(category=category, rate=rate, rule=TaxRule.STATED)


def _category(violations: Violations, pointer: str, category: object) -> TaxCategory | None:
    if isinstance(category, str) and category in set(TaxCategory):
        return TaxCategory(category)
    violations.add(pointer, f"must be one of the tax categories {', '.join(TaxCategory)} (UNTDID 5305)")
    return None


def _rate(violations: Violations, pointer: str, text: object, category: TaxCategory | None) -> Decimal | None:
    """Only the standard category has a rate; the others may leave it out."""
    if text is None:
        if category is TaxCategory.STANDARD:
            violations.add(pointer, 'is required: a decimal string in per cent such as "19", in category S')
        return None if category in {None, TaxCategory.STANDARD} else _NOTHING
    rate = violations.decimal(pointer, text, integer_digits=3, decimals=_RATE_DECIMALS)
    if rate is None:
        return None
    problem = None
    if not 0 <= rate <= 100:
        problem = "must be from 0 to 100 per cent"
    elif category is TaxCategory.STANDARD and rate == 0:
        problem = "must be greater than zero in category S; the zero rate is category Z"
    elif category not in {None, TaxCategory.STANDARD} and rate != 0:
        problem = f"must be 0 in category {category}"
    violations.add(pointer, problem)
    return None if problem else rate
