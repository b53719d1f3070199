"""What Pillow's pictures hold as numbers, and picture files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from aae_lessons.arguments import check, refusal

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
SIXTEEN_BITS = 65_535


def opened(path: Path) -> np.ndarray:
    """The levels of a picture in a file, turned as its camera says."""
    from PIL import Image, ImageOps  # here: only who has pictures needs it

    try:
        with Image.open(path) as picture:
            return levels(ImageOps.exif_transpose(picture))
    except (OSError, SyntaxError) as error:
        raise refusal(
            "images", f"{path.name}: {type(error).__name__}", "a picture that can be opened"
        ) from error


def levels(picture: Any) -> np.ndarray:
    """The levels of a picture: bytes, (H, W) or (H, W, 3), or floats where it holds floats.

    Sixteen bits become eight; Pillow itself would cut them off at 255.

    Raises:
        ValueError: transparent parts, or levels of more than 16 bits.
    """
    if picture.mode.startswith("I"):
        values = np.array(picture).astype(np.float64)
        got = f"a picture of levels {values.min():g} … {values.max():g}"
        fits = values.min() >= 0 and values.max() <= SIXTEEN_BITS
        check(fits, "images", got, f"levels in 0 … {SIXTEEN_BITS}")
        return (values * (255 / SIXTEEN_BITS)).round().astype(np.uint8)
    if picture.mode == "F":
        return np.array(picture)
    if "A" in picture.getbands() or "transparency" in picture.info:
        opaque = np.array(picture.convert("RGBA"))[..., 3].min() == 255
        expected = "opaque ones, such as Image.alpha_composite(background, picture)"
        check(opaque, "images", "a picture with transparent parts", expected)
    return np.array(picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB"))
