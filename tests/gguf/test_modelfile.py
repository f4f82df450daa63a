"""Ollama must show the model the text that it was trained on."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from cadmonkey.data.chat import Message, freeze_template, render_chat
from cadmonkey.errors import InputError
from cadmonkey.gguf.modelfile import ollama_template, write_modelfile

CHATML = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou help.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set first = messages[0].content + '\n\n' %}"
    "{% set messages = messages[1:] %}{% endif %}{% for m in messages %}<start_of_turn>"
    "{{ 'model' if m.role == 'assistant' else 'user' }}\n{{ first if loop.first and first else '' }}{{ m.content }}"
    "<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}"
    "{% else %}{{ raise_exception('no system') }}{% endif %}{% endfor %}"
)
TEMPLATES = {"chatml": CHATML, "gemma": GEMMA, "mistral": MISTRAL}

USER = {"role": "user", "content": "a ball of 12 mm"}
ANSWER = {"role": "assistant", "content": "sphere(d = 12);"}
AGAIN = {"role": "user", "content": "now a cube"}
SYSTEM = {"role": "system", "content": "Write OpenSCAD."}


def _tokenizer(template: str) -> Any:
    return SimpleNamespace(chat_template=template, bos_token="<s>", eos_token="</s>", added_tokens_decoder={})


def _as_ollama(template: str, messages: list[Message]) -> str:
    """Render Go's notation, as far as our templates use it, with what Ollama hands to a template."""
    jinja = template
    for go, ours in {
        r'{{ "(.*?)" }}': r'{{ "\1" }}',
        r"{{ if \.System }}": "{% if system %}",
        r"{{ \.System }}": "{{ system }}",
        r"{{ range \.Messages }}": "{% for m in messages %}",
        r'{{ (else )?if eq \.Role "(\w+)" }}': lambda found: (
            "{% " + ("elif" if found[1] else "if") + f" m.role == '{found[2]}' %}}"
        ),
        r"{{ \.Content }}": "{{ m.content }}",
        r"{{ else }}": "{% else %}",
        r"{{ \.Prompt }}": "{{ messages[-1].content }}",
    }.items():
        jinja = re.sub(go, ours, jinja)
    opened: list[str] = []
    pieces = re.split(r"({% (?:if|for) .*?%}|{{ end }})", jinja)
    for place, piece in enumerate(pieces):
        if piece.startswith(("{% if", "{% for")):
            opened.append("endif" if piece.startswith("{% if") else "endfor")
        elif piece == "{{ end }}":
            pieces[place] = "{% " + opened.pop() + " %}"
    assert opened == []
    system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
    environment = jinja2.Environment(keep_trailing_newline=True)
    return environment.from_string("".join(pieces)).render(system=system, messages=messages)


def _as_trained(tokenizer: Any, messages: list[Message]) -> str:
    text = render_chat(
        freeze_template(tokenizer.chat_template),
        messages,
        bos_token=tokenizer.bos_token,
        eos_token=tokenizer.eos_token,
        add_generation_prompt=True,
    )
    return text.removeprefix(tokenizer.bos_token)


@pytest.mark.parametrize(
    "messages",
    [[USER], [USER, ANSWER, AGAIN], [SYSTEM, USER], [SYSTEM, USER, ANSWER, AGAIN, ANSWER, USER]],
    ids=["one prompt", "a conversation", "with a system message", "all of it"],
)
@pytest.mark.parametrize("name", TEMPLATES)
def test_ollama_renders_conversations_as_transformers_does(name: str, messages: list[Message]) -> None:
    tokenizer = _tokenizer(TEMPLATES[name])
    if name == "mistral" and SYSTEM in messages:
        assert ".System" not in ollama_template(tokenizer), "the template knows no system message"
        return
    assert _as_ollama(ollama_template(tokenizer), messages) == _as_trained(tokenizer, messages)


@pytest.mark.parametrize("name", ["llama-3.2", "qwen2.5", "nano"])
def test_ollama_renders_the_templates_of_real_models_as_transformers_does(name: str, repository: Path) -> None:
    from cadmonkey.gguf.tokenizer import StoredTokenizer

    folder = repository.parent / "shared" / "data" / "tokenizers" / name
    if name == "nano":
        folder = repository / "cadmonkey" / "assets" / "nano"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data, real tokenizers that are not part of the project")
    tokenizer = StoredTokenizer(folder)
    tokenizer.bos_token = tokenizer.bos_token or ""
    for messages in ([USER], [USER, ANSWER, AGAIN], [SYSTEM, USER, ANSWER, AGAIN]):
        assert _as_ollama(ollama_template(tokenizer), messages) == _as_trained(tokenizer, messages)


def test_a_template_for_one_prompt_alone_becomes_one_for_one_prompt() -> None:
    tokenizer = _tokenizer("{{ bos_token }}Q: {{ messages[-1].content }}\nA:")
    assert ollama_template(tokenizer) == "Q: {{ .Prompt }}\nA:"


def test_a_template_that_drops_the_prompt_is_refused() -> None:
    with pytest.raises(InputError, match="expected each message once"):
        ollama_template(_tokenizer("hello"))


def test_markup_in_the_template_is_quoted() -> None:
    tokenizer = _tokenizer('{{ "{{" }} """ {{ messages[-1].content }}')
    assert ollama_template(tokenizer) == r'{{ "{{ \"\"\" " }}{{ .Prompt }}'


def test_the_modelfile_has_template_system_stops_and_the_sampling_of_the_proof(tokenizer: Any, tmp_path: Path) -> None:
    write_modelfile(tmp_path / "Modelfile", "model-q8_0.gguf", tokenizer, 512, system="Write OpenSCAD.")
    head = "<|start_header_id|>{}<|end_header_id|>\n\n"
    assert (tmp_path / "Modelfile").read_text() == (
        "FROM ./model-q8_0.gguf\n"
        f'TEMPLATE """{{{{ if .System }}}}{head.format("system")}{{{{ .System }}}}<|eot_id|>{head.format("user")}'
        f"{{{{ else }}}}{head.format('user')}{{{{ end }}}}"
        '{{ range .Messages }}{{ if eq .Role "user" }}{{ .Content }}{{ else if eq .Role "assistant" }}'
        f"<|eot_id|>{head.format('assistant')}{{{{ .Content }}}}<|eot_id|>{head.format('user')}"
        "{{ end }}{{ end }}"
        f'<|eot_id|>{head.format("assistant")}"""\n'
        'SYSTEM """Write OpenSCAD."""\n'
        'PARAMETER stop "<|eot_id|>"\n'
        "PARAMETER temperature 0\n"
        "PARAMETER repeat_penalty 1\n"
        "PARAMETER num_ctx 512\n"
    )


def test_every_line_of_the_modelfile_is_an_instruction_of_ollama(tokenizer: Any, tmp_path: Path) -> None:
    path = tmp_path / "Modelfile"
    write_modelfile(path, "model-q8_0.gguf", tokenizer, 512, system='Say """yes""" or no.\nNothing else.')
    text = path.read_text()
    assert text.count('"""') == 4
    lines = re.sub(r'""".*?"""', "TEXT", text, flags=re.DOTALL).splitlines()
    parameters = r"PARAMETER (stop \".+\"|temperature [\d.]+|repeat_penalty [\d.]+|num_ctx \d+)"
    assert [line for line in lines if not re.fullmatch(rf"FROM \./\S+|(TEMPLATE|SYSTEM) TEXT|{parameters}", line)] == []
