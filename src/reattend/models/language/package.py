"""A GGUF model that an ordinary Python package carries: pip fetches it where the Hugging Face hub cannot be reached."""

from reattend.data.package_asset import PackageAsset
from reattend.models.language.base import LanguageModel, Loader
from reattend.models.language.pretrained import language_model
from reattend.models.origin import Origin
from reattend.models.pretrained import Dtype


class Package(Loader):
    """One member of one version of a distribution's wheel, known by its checksum."""

    def __init__(
        self,
        *,
        distribution: str,
        version: str,
        member: str,
        size: int,
        sha256: str,
        licence: str,
        dtype: Dtype = "float32",
        device_map: str | None = "auto",
    ) -> None:
        self.asset = PackageAsset(
            distribution=distribution, version=version, member=member, size=size, sha256=sha256, licence=licence
        )
        self.dtype: Dtype = dtype
        self.device_map = device_map

    def load(self) -> LanguageModel:
        path = self.asset.path()
        source = f"{self.asset.requirement}: {self.asset.member}"
        origin = Origin(path, given=source, name=path.stem, source=source)
        return language_model(
            origin, dtype=self.dtype, device_map=self.device_map, quantize="none", sliding_window="keep"
        )
