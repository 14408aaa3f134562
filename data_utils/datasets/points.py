"""Two classes of generated points.

Points are drawn in float64 and rounded to float32.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from data_utils.sections import FARTHEST, Distance, HeldOut, Seed
from utils.schema import MOST, Count

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

    from data_utils.examples import Examples


class TwoClasses(HeldOut):
    """Base of the data sets here."""

    n: int = Field(ge=2, le=MOST)
    """Examples in all, half of each class."""
    seed: Seed
    """Decides the points."""


class Blobs(TwoClasses):
    """Two clouds with a plane between them."""

    name: Literal["blobs"]
    features: Count
    margin: float = Field(gt=0, le=FARTHEST)
    """Least distance of any point from the separating plane; the classes are at least twice as far apart."""

    def examples(self) -> "Examples":
        """Two clouds on either side of `separating_plane()`, every point at least `margin` away from it.

        Along the plane a cloud is standard normal; away from it, the distance beyond the margin is half-normal.
        """
        import numpy as np

        from data_utils.datasets._generated import alternating, two_classes

        normal, offset, points = self._plane_and_points()
        targets = alternating(self.n)
        drawn = points @ normal
        wanted = (2 * targets - 1) * (self.margin + np.abs(drawn)) - offset
        return two_classes(points + np.outer(wanted - drawn, normal), targets)

    def separating_plane(self) -> "tuple[Float64[np.ndarray, ' features'], float]":
        """The plane between the two clouds.

        Returns:
            A unit normal w and an offset b: w·x + b is at least `margin` for class 1, at most minus that for class 0.
        """
        normal, offset, _ = self._plane_and_points()
        return normal, offset

    def _plane_and_points(
        self,
    ) -> "tuple[Float64[np.ndarray, ' features'], float, Float64[np.ndarray, 'n features']]":
        import numpy as np

        from data_utils.datasets._generated import pcg64

        random = pcg64(self.seed)
        normal = random.standard_normal(self.features)
        normal /= np.linalg.norm(normal)
        offset = random.uniform(-1, 1)  # not through the origin, so that a bias is needed
        return normal, offset, random.standard_normal((self.n, self.features))


class NoisyBlobs(TwoClasses):
    """Two normal clouds that overlap."""

    name: Literal["noisy_blobs"]
    features: Count
    separation: Distance
    """Distance between the two centres."""
    noise: float = Field(gt=0, le=FARTHEST)
    """Standard deviation of each cloud in every direction."""

    def examples(self) -> "Examples":
        """Two round normal clouds of standard deviation `noise`, their centres `separation` apart on a diagonal."""
        import numpy as np

        from data_utils.datasets._generated import alternating, pcg64, two_classes

        targets = alternating(self.n)
        diagonal = np.full(self.features, self.features**-0.5)
        centres = np.outer((targets - 0.5) * self.separation, diagonal)
        return two_classes(centres + self.noise * pcg64(self.seed).standard_normal(centres.shape), targets)


class Moons(TwoClasses):
    """Two half circles that reach into each other."""

    name: Literal["moons"]
    noise: Distance
    """Standard deviation of the noise on each coordinate; the circles have radius 1."""

    def examples(self) -> "Examples":
        """Two half circles of radius 1: class 0 opens downwards around (0, 0), class 1 upwards around (1, 1/2)."""
        import numpy as np

        from data_utils.datasets._generated import alternating, pcg64, two_classes

        random, targets = pcg64(self.seed), alternating(self.n)
        angle = np.pi * random.random(self.n)
        upper = np.column_stack([np.cos(angle), np.sin(angle)])
        points = np.where(targets[:, np.newaxis] == 0, upper, (1.0, 0.5) - upper)
        return two_classes(points + self.noise * random.standard_normal(points.shape), targets)


class Spirals(TwoClasses):
    """Two spirals that wind around each other."""

    name: Literal["spirals"]
    turns: float = Field(gt=0, le=FARTHEST)
    """How often each spiral winds around the origin."""
    noise: Distance
    """Standard deviation of the noise on each coordinate; the spirals end at radius 1."""

    def examples(self) -> "Examples":
        """Two arms from the origin out to radius 1; class 1 is class 0 turned by half a circle.

        The radius grows evenly with the angle, and points lie evenly over an arm's length from its outer end to the
        middle, where the arms meet.
        """
        import numpy as np

        from data_utils.datasets._generated import alternating, pcg64, two_classes

        random, targets = pcg64(self.seed), alternating(self.n)
        radius = np.sqrt(random.random(self.n))  # the length of an arm grows with the square of its radius
        angle = 2 * np.pi * self.turns * radius + np.pi * targets
        points = radius[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)])
        return two_classes(points + self.noise * random.standard_normal(points.shape), targets)


class FarPoints(TwoClasses):
    """Two squares with a line between them, and outliers of one class far out on its own side."""

    name: Literal["far_points"]
    n: int = Field(ge=10, le=MOST)
    """Examples in all, half of each class; a fifth of class 1 are outliers."""
    distance: Distance
    """How far out the outliers are moved."""

    def examples(self) -> "Examples":
        """Two squares of side 2 left (class 0) and right (class 1) of the line x1 = 0, with a gap of 1/2 between them.

        Every fifth point of class 1 is moved straight away from the line by `distance`: farther on its correct side,
        so that the line still separates the classes.
        """
        import numpy as np

        from data_utils.datasets._generated import alternating, pcg64, two_classes

        targets = alternating(self.n)
        points = pcg64(self.seed).uniform(-1, 1, (self.n, 2))
        points[:, 0] += np.where(targets == 1, 1.25, -1.25)
        points[np.flatnonzero(targets == 1)[::5], 0] += self.distance
        return two_classes(points, targets)
