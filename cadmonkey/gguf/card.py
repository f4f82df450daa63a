"""The model card: what the model is, where it comes from, what was proven, how to run it."""

import json
from pathlib import Path

from cadmonkey.files import write_text
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.proof import FileProof, Proof
from cadmonkey.gguf.table import markdown_table

_EXAMPLE_PROMPT = "50 x 30 x 5 mm plate with four 4 mm holes 6 mm from the edges"


def write_card(path: Path, proof: Proof, origin: Origin, best: FileProof) -> None:
    """Write the card as README.md with the front matter that the Hugging Face Hub reads."""
    sections = [
        _front_matter(origin),
        f"# {origin.name}",
        _descent(origin),
        "## Files\n\n" + markdown_table(proof) + "\n\n" + _explanation(proof),
        "## Run it\n\n" + _commands(best, origin),
        *_choices(origin),
        "## Limits\n\n" + _limits(proof),
        "## Licence\n\n" + _licence(origin),
    ]
    write_text(path, "\n\n".join(sections) + "\n")


def _front_matter(origin: Origin) -> str:
    # JSON strings are YAML strings; names may hold colons
    lines = ["---", "library_name: gguf", "pipeline_tag: text-generation"]
    if origin.license:
        lines.append(f"license: {json.dumps(origin.license)}")
    if origin.base_is_on_hub:
        lines.append(f"base_model: {json.dumps(origin.base_model)}")
    if hub_data := [name for name in origin.datasets if name.count("/") == 1]:
        lines.append(f"datasets: {json.dumps(hub_data)}")
    return "\n".join([*lines, "tags: [gguf, llama.cpp, cadmonkey]", "---"])


def _descent(origin: Origin) -> str:
    if not origin.base_model:
        return "GGUF files of this model, written and checked by CadMonkey."
    data = f" on {', '.join(origin.datasets)}" if origin.datasets else ""
    return f"Fine-tuned from **{origin.base_model}**{data} with CadMonkey, and exported to GGUF."


def _explanation(proof: Proof) -> str:
    prompts = max(file.figures.prompts for file in proof.files)
    return (
        f"Each file was run in llama.cpp on {prompts} prompts and compared with the trained model in transformers: the "
        "rendered chat template (text), the token ids (tokens), and the greedy answer token by token, its end included "
        "(answers). Ties are answers that depart only where the model hardly prefers one token to another; KL is the "
        "mean divergence per token in nats. All figures are in `proof.json`; a file that fails is named "
        "`.unproven.gguf`."
    )


def _commands(best: FileProof, origin: Origin) -> str:
    name = best.published_name
    prompt = json.dumps(_EXAMPLE_PROMPT)
    return f"""llama.cpp

```sh
llama-cli -m {name} --jinja --temp 0 -st -p {prompt}
```

llama-cpp-python

```python
from llama_cpp import Llama

llm = Llama("{name}", n_ctx=2048, verbose=False)
answer = llm.create_chat_completion([{{"role": "user", "content": {prompt}}}], temperature=0)
print(answer["choices"][0]["message"]["content"])
```

Ollama

```sh
ollama create my-model -f Modelfile
ollama run my-model {prompt}
```

{_grammar(origin)}

LM Studio: `lms import {name}`; the chat template is in the file. Set the temperature to 0."""


def _grammar(origin: Origin) -> str:
    language = {"openscad": "OpenSCAD", "ir": "Compact IR"}[origin.language or "openscad"]
    other = "" if origin.language else " (`grammar-ir.gbnf` is that of Compact IR)"
    return (
        f"A model of CAD programs keeps to {language} with `llama-cli --grammar-file grammar.gbnf`{other}; "
        "Ollama takes no grammar. `cadmonkey generate` holds its own, which also sees that names are declared and "
        "nodes used."
    )


def _choices(origin: Origin) -> list[str]:
    """Return the section on how it was trained, if that was recorded."""
    if not origin.choices:
        return []
    rows = "\n".join(f"| {key} | {value} |" for key, value in origin.choices.items())
    return [f"## Training\n\n| setting | value |\n|---|---|\n{rows}"]


def _limits(proof: Proof) -> str:
    lines = [
        "The files say what the trained model says, and that can be wrong: check a part before you make it.",
        "Ask at temperature 0 with the chat template; the proof holds for that.",
    ]
    if failed := [file.published_name for file in proof.files if not file.proven]:
        lines.append(f"Unproven, not for use: {', '.join(failed)}.")
    if any(file.figures.stop_rate < 1 for file in proof.files):
        lines.append("Not every answer ended by itself; set a limit of tokens.")
    return "\n".join(f"- {line}" for line in lines)


def _licence(origin: Origin) -> str:
    if origin.license:
        return f"{origin.license}, as the base model."
    return f"Not recorded; the terms of {origin.base_model or 'the original model'} hold."
