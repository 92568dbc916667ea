"""Copier's own machinery without its files and processes: questions, paths, exclusions and files, rendered in memory.

Copier 9.19.1 is pinned, since this looks inside it; that the outcome is that of the plain command line is shown by
`test_rendering_equals_copier.py`. The one difference: templates look answers up where it is noted which they look up.
"""

import re
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from copier._jinja_ext import SandboxedEnvironment
from copier._main import Worker
from copier._settings import SettingsModel
from copier._types import MISSING
from copier._user_data import AnswersMap, Question
from jinja2 import Template, nodes
from jinja2.runtime import Context
from jinja2.utils import missing
from pathspec import PathSpec

from tests.decision_tree import Answer, Answers

# What a template could vary by without anybody noticing: the clock, chance, the machine, the command line.
UNSEEN_FILTERS = (
    "ans_random",
    "expanduser",
    "expandvars",
    "fileglob",
    "random",
    "random_mac",
    "realpath",
    "relpath",
    "shuffle",
    "strftime",
)
# Those in the second line hold all answers, so that reading them hides which.
UNSEEN_NAMES = {
    *("now", "make_secret", "lipsum", "self", "_folder_name", "_copier_python", "_copier_phase"),
    *("_copier_answers", "_external_data"),
}
ANSWERS = "tests.answers"


class UnseenSourceError(BaseException):
    """A template reads what is no answer, or an answer in a way that hides which; let it name the answer itself.

    No `Exception`, since Copier takes each of those in a validator for a refusal.
    """


class _AnswersContext(Context):
    """A Jinja context in which answers are looked up one by one; an included template is given the same one."""

    def resolve_or_missing(self, key: str) -> Any:
        found = super().resolve_or_missing(key)
        if found is not missing:
            return found
        if key in UNSEEN_NAMES:
            message = f"{self.name}: reads '{key}', which is no answer"
            raise UnseenSourceError(message)
        answers = self.parent.get(ANSWERS)
        try:
            return missing if answers is None else answers[key]
        except KeyError:
            return missing


class _Conf(dict[str, Any]):
    """The part of `_copier_conf` that is the same for all answers."""

    def __missing__(self, name: str) -> NoReturn:
        message = f"reads '_copier_conf.{name}', which may hold answers"
        raise UnseenSourceError(message)


class CopierInside(Worker):
    """One template, whose pieces can be rendered for any answers."""

    @classmethod
    def of(cls, source: Path, **options: Any) -> "CopierInside":
        """Open the template in this folder, as `copier copy` would."""
        return cls(str(source), Path("/nonexistent"), defaults=True, quiet=True, settings=SettingsModel(), **options)

    @cached_property
    def jinja_env(self) -> SandboxedEnvironment:
        """Give Copier's environment, with its templates' sources in sight."""
        environment: SandboxedEnvironment = Worker.jinja_env.func(self)  # type: ignore[attr-defined]
        environment.context_class = _AnswersContext
        environment.auto_reload = False
        environment.from_string = cache(environment.from_string)  # type: ignore[assignment, method-assign]
        for name in UNSEEN_FILTERS:
            environment.filters[name] = _refuse(name)
        del environment.globals["lipsum"]  # random text
        return environment

    @cached_property
    def _matchers(self) -> dict[tuple[str, ...], PathSpec[Any]]:
        return {}

    @cached_property
    def questions(self) -> dict[str, dict[str, Any]]:
        """Give every question as copier.yml has it, in order."""
        return dict(self.template.questions_data)

    @cached_property
    def asked(self) -> list[str]:
        """Name the questions that are not computed."""
        return [name for name, details in self.questions.items() if details.get("when") is not False]

    @cached_property
    def answers_path(self) -> str:
        """Give the path of the answers file in a project."""
        return str(self.template.answers_relpath)

    def question(self, name: str, answers: Answers) -> Question:
        """Build Copier's own question; its templates read from these answers."""
        return Question(
            answers=AnswersMap(),
            context=self._context(answers),
            jinja_env=self.jinja_env,
            settings=self.settings,
            var_name=name,
            **self.questions[name],
        )

    def default(self, name: str, answers: Answers) -> Answer:
        """Give a question's default, for a computed one its value; `MISSING` where there is none."""
        return self.question(name, answers).get_default()

    def when(self, name: str, answers: Answers) -> bool:
        """Tell whether a question is asked."""
        return self.question(name, answers).get_when()

    def choices(self, question: Question) -> list[Answer]:
        """Give the values a question offers, those included that its choices' validators refuse."""
        return [question.cast_answer(choice.value) for choice in question._formatted_choices]

    def refusal(self, name: str, answers: Answers) -> str:
        """Give Copier's message when it refuses the answer to this question; nothing when it accepts it."""
        question = self.question(name, answers)
        try:
            question.validate_answer(question.parse_answer(answers[name]))
        except ValueError as error:
            return str(error)
        return ""

    def compiled(self, template: str | nodes.Template, name: str) -> Template:
        """Compile a string, or a piece of a parsed file; `name` says in messages where it stands."""
        environment = self.jinja_env
        parsed = environment.parse(template, name) if isinstance(template, str) else template
        for node in parsed.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
            if not isinstance(node.template, nodes.Const):  # type: ignore[attr-defined]
                message = f"{name}, line {node.lineno}: which file is included depends on an answer; use `if`"
                raise UnseenSourceError(message)
        code = environment.compile(parsed, name, name)
        return Template.from_code(environment, code, environment.make_globals(None))

    def render(self, template: Template, answers: Answers, **extra: Any) -> str:
        """Render with these answers."""
        return template.render({**self._context(answers), **extra})

    def render_answers_file(self, template: Template, answers: Answers) -> str:
        """Render the one file that may read all answers at once."""
        self.answers = AnswersMap()
        self.answers.user.update({name: answers[name] for name in self.questions if _there(answers, name)})
        for name in set(self.questions) - set(self.asked):
            self.answers.hide(name)
        return self.render(template, answers, _copier_answers=dict(self._answers_to_remember()))

    def exclusions(self, *rendered: str) -> PathSpec[Any]:
        """Give Copier's matcher of rendered exclusions, each of one line or several."""
        if (known := self._matchers.get(rendered)) is None:
            lines = [line for text in rendered for line in re.split(r"\r\n|\r|\n", text)]
            known = self._matchers[rendered] = self._path_matcher(lines).__self__  # type: ignore[attr-defined]
        return known

    def mode(self, source: PurePosixPath) -> int:
        """Give the mode of a file of the template: the executable bits as git has them, where git has the file."""
        stat_mode = (self.template.local_abspath / source).stat().st_mode
        git_mode = self.template.git_index_modes.get(source)
        return stat_mode if git_mode is None else (stat_mode & ~0o111) | (git_mode & 0o111)

    def _context(self, answers: Answers) -> dict[str, Any]:
        return {ANSWERS: answers, "_copier_conf": _Conf(answers_file=self.answers_path)}


def _there(answers: Answers, name: str) -> bool:
    try:
        return answers[name] is not MISSING
    except KeyError:
        return False


def _refuse(name: str) -> Any:
    def refuse(*_: object, **__: object) -> NoReturn:
        message = f"the filter '{name}' gives what no answer says"
        raise UnseenSourceError(message)

    return refuse
