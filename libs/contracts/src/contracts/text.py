"""Text in the languages that Schalter speaks."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Language = Literal["de", "en"]
NonEmpty = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Localised(BaseModel):
    """One text in German and English. Both are required: nobody gets a page half in another language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    de: NonEmpty
    en: NonEmpty

    def in_language(self, language: Language) -> str:
        """The text in `language`."""
        return self.de if language == "de" else self.en
