"""What the pytest modules of the specification are written with.

from convgauge.conformance import problems, spec

@spec("padding.same.even_kernel", source="torch.nn.functional.conv2d")
def test_same_puts_the_odd_row_last(judge):
    \"\"\"With padding='same' and an even kernel, the extra row and column are added at the bottom and right.\"\"\"
    judge.exact(problems(kernel=[(2, 2), (4, 3)], padding=["same"]))
"""

from convgauge.conformance.cases import Case, cases, problems, sweep
from convgauge.conformance.spec import Spec, spec

__all__ = ["Case", "Spec", "cases", "problems", "spec", "sweep"]
