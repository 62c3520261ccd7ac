"""Student's t distribution, for tests on a handful of seeds. Pure Python: the controller uses it.

The distribution function is the regularised incomplete beta function, by its continued fraction
(DLMF 8.17.22); the quantile is found by bisection.
"""

import math

_TINY = 1e-300


def cdf(t: float, df: float) -> float:
    """P(T ≤ t) with `df` > 0 degrees of freedom.

    P(T ≤ t) = 1 − I(df/(df + t²); df/2, 1/2) / 2 for t ≥ 0.
    """
    tail = 0.5 * beta_share(df / (df + t * t), df / 2, 0.5)
    return 1.0 - tail if t >= 0 else tail


def quantile(p: float, df: float) -> float:
    """The t with P(T ≤ t) = p, for 0 < p < 1."""
    if p < 0.5:
        return -quantile(1.0 - p, df)
    low, high = 0.0, 1.0
    while cdf(high, df) < p and high < 1e12:
        low, high = high, 2 * high
    for _ in range(100):
        middle = 0.5 * (low + high)
        if cdf(middle, df) < p:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I(x; a, b)."""
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast below this
        return 1.0 - beta_share(1.0 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        + a * math.log(x) + b * math.log1p(-x)
    )  # fmt: skip
    return front / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + …)) evaluated from the front (Lentz's method)."""
    found = upper = 1.0
    lower = 0.0
    for n in range(1, 400):
        m = n // 2
        if n % 2:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1.0 / ((1.0 + d * lower) or _TINY)
        upper = (1.0 + d / upper) or _TINY
        step = upper * lower
        found *= step
        if abs(step - 1.0) < 1e-15:
            break
    return found
