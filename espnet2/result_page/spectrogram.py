"""Small spectrogram pictures on one colour scale."""

import io

import matplotlib
import numpy as np
from PIL import Image
from scipy.signal import spectrogram

from espnet2.result_page.sound import data_uri

WINDOW, HOP = 0.032, 0.008  # s
RANGE_DB = 70.0
COLOURS = 32  # fewer make smaller files
SIZE = (360, 120)  # pixels; shorter utterances are stretched


def level_map(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return (frequencies, frames) in dB, from 0 Hz up."""
    window = round(WINDOW * rate)
    padded = np.pad(samples, (0, max(0, window - len(samples))))
    overlap = window - round(HOP * rate)
    _, _, power = spectrogram(padded, rate, nperseg=window, noverlap=overlap)
    return 10 * np.log10(power + 1e-14)


def pictures(maps: list[np.ndarray]) -> list[str]:
    """Return PNG ``data:`` URIs; the loudest place of all maps is the brightest."""
    top = max(float(levels.max()) for levels in maps)
    return [_png((levels - top) / RANGE_DB + 1) for levels in maps]


def _png(shares: np.ndarray) -> str:
    """Draw (frequencies, frames) of 0 (black) to 1 (bright)."""
    bytes_ = np.uint8(255 * shares.clip(0, 1))[::-1]
    resized = np.asarray(Image.fromarray(bytes_).resize(SIZE, Image.Resampling.BOX))
    image = Image.fromarray(np.uint8(resized // (256 // COLOURS)))
    colours = matplotlib.colormaps["magma"](np.linspace(0, 1, COLOURS), bytes=True)
    image.putpalette(colours[:, :3].tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return data_uri("image/png", file.getvalue())
