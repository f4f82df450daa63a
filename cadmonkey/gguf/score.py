"""The task score of a file: how many of its answers are the part that was asked for, by the judge, in bounds."""

from collections.abc import Mapping, Sequence

from cadmonkey.cad.grammar import Language
from cadmonkey.cad.ir import parse_ir
from cadmonkey.cad.program import LanguageError
from cadmonkey.cad.translation import translate
from cadmonkey.cad.workers import work
from cadmonkey.gguf.questions import Question

TIME_LIMIT_S = 10.0
"""For one program, of the file or of the original alike; one that takes longer fails, and so does one that eats memory
or crashes the judge (see `cadmonkey.cad.workers`)."""


class Scorer:
    """All-pass verdicts on answers, each text judged once however many files give it.

    An answer must be in the language of the row's known answer; the judge reads OpenSCAD, so Compact IR is translated.
    """

    def __init__(self, questions: Sequence[Question]) -> None:
        """Find the questions whose known answer is a part: what the judge cannot build is no CAD row."""
        self._questions = questions
        self._languages = [_language(question.completion) for question in questions]
        self._passed: dict[tuple[int, str], bool] = {}
        known = {place: question.completion for place, question in enumerate(questions) if question.completion}
        self.rows = frozenset(self._judge(known))
        """Places of the CAD rows among the questions."""

    def passed(self, answers: Mapping[int, str]) -> dict[int, bool]:
        """Return for each place of a CAD row among `answers` whether the program is the part that was asked for."""
        wanted = {place: code for place, code in answers.items() if place in self.rows}
        self._judge({place: code for place, code in wanted.items() if (place, code) not in self._passed})
        return {place: self._passed[place, code] for place, code in wanted.items()}

    def _judge(self, answers: Mapping[int, str]) -> list[int]:
        """Judge the programs, and return the places of those whose reference is a part."""
        requests = [
            {
                "do": "verdict",
                "code": self._as_openscad(place, code),
                "reference": self._as_openscad(place, self._questions[place].completion),
                "stated": list(self._questions[place].stated),
            }
            for place, code in answers.items()
        ]
        parts = []
        for (place, code), answer in zip(answers.items(), work(requests, time_limit_s=TIME_LIMIT_S), strict=True):
            if "bad_reference" not in answer:
                parts.append(place)
                self._passed[place, code] = bool(answer.get("verdict", {}).get("all_pass"))
        return parts

    def _as_openscad(self, place: int, code: str) -> str:
        """Return the program for the judge, "" where it is no Compact IR although the row's answer is."""
        text, language = translate(code, self._languages[place], "openscad")
        return text if language == "openscad" else ""


def _language(completion: str) -> Language:
    try:
        parse_ir(completion)
    except LanguageError:
        return "openscad"
    return "ir"
