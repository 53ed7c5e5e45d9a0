"""Builds a wheel that adds modules to an installed espnet2 and replaces none."""

from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py


def is_shared(package: str) -> bool:
    """Whether espnet's own wheel has this package, so that ours extends it."""
    init = Path(__file__).parent.joinpath(*package.split("."), "__init__.py")
    return "extend_path" in init.read_text(encoding="utf-8")


class OverlayBuildPy(build_py):
    """Leaves the shared ``__init__.py`` out: pip would overwrite espnet's with it."""

    def find_package_modules(self, package, package_dir):
        """The modules of ``package`` as ``(package, module, file)``."""
        found = super().find_package_modules(package, package_dir)
        if is_shared(package):
            found = [entry for entry in found if entry[1] != "__init__"]
        return found


setup(
    name="gradient-remedy",
    version="0.1.0",
    description="ESPnet2 overlay: joint speech enhancement and recognition training "
    "with Gradient Remedy",
    license="Apache-2.0",
    python_requires=">=3.10,<3.13",
    # As docs/compat.md and TESTED of tools/check_environment.py.
    install_requires=["espnet>=202412,<=202611", "torch>=2.6,<2.12", "soxr"],
    packages=find_packages(include=["espnet2", "espnet2.*"]),
    package_data={"espnet2.result_page": ["templates/*"]},
    cmdclass={"build_py": OverlayBuildPy},
)
