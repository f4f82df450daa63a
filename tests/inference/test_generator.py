import pytest

from cadmonkey.errors import InputError
from cadmonkey.inference import Generator

PIECES = ["cube(", "[10,", "20,", "30]);"]


def test_the_answer_is_the_text_without_the_end_token(cube_model):
    with Generator(cube_model) as generator:
        made = generator.generate("a cube")
    assert made.code == "cube([10,20,30]);"
    assert made.stop_reason == "end_token"
    assert made.tokens == 5
    assert made.seconds > 0


def test_the_prompt_is_one_user_message_in_the_models_template_with_one_bos(cube_model):
    with Generator(cube_model) as generator:
        tokens = generator.prompt_tokens("  ab ")
        text = "".join(generator._model.token_text(token) for token in tokens)
    begin, end = "<|start_header_id|>", "<|end_header_id|>"
    assert text == f"<|begin_of_text|>{begin}user{end}ĊĊab<|eot_id|>{begin}assistant{end}"


def test_end_tokens_and_reserved_tokens_come_from_the_file(cube_model):
    with Generator(cube_model) as generator:
        named = generator._model.token_text
        ends, reserved = ({named(token) for token in ids} for ids in (generator.end_tokens, generator.reserved_tokens))
    assert ends == {"<|eot_id|>", "<|end_of_text|>"}
    assert reserved == {
        "<|begin_of_text|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|reserved_special_token_0|>",
    }


def test_a_reserved_token_is_passed_over_for_the_next_likely_one(tmp_path, write_gguf):
    model = write_gguf(tmp_path / "m.gguf", PIECES, after={"<|reserved_special_token_0|>": 2, "<|eot_id|>": 1})
    with Generator(model) as masked, Generator(model, mask_reserved=False) as bare:
        assert masked.generate("a cube").stop_reason == "end_token"
        made = bare.generate("a cube")
    assert made.stop_reason == "reserved_token"
    assert made.code == "cube([10,20,30]);"


def test_an_end_that_is_not_the_turns_own_is_told_apart(tmp_path, write_gguf):
    model = write_gguf(tmp_path / "m.gguf", PIECES, after={"30]);": 0, "<|end_of_text|>": 1})
    with Generator(model) as generator:
        made = generator.generate("a cube")
    assert (made.stop_reason, made.code) == ("other_end_token", "cube([10,20,30]);")


def test_a_model_that_never_stops_is_cut_off_at_max_tokens_or_at_the_end_of_its_context(tmp_path, write_gguf):
    model = write_gguf(tmp_path / "m.gguf", PIECES, after={"cube(": 1}, context=60)
    with Generator(model) as generator:
        short, long = generator.generate("a cube", 7), generator.generate("a cube", 10_000)
        asked = len(generator.prompt_tokens("a cube"))
    assert (short.stop_reason, short.tokens) == ("length", 7)
    assert short.code == "cube([10,20,30]);cube([10,20,"
    assert (long.stop_reason, long.tokens) == ("length", 60 - asked)


def test_sampling_follows_the_seed_and_top_p(tmp_path, write_gguf):
    model = write_gguf(tmp_path / "m.gguf", PIECES, after={"a": 0.5, "b": 0.48, "c": 0.46, "d": 0.44})
    with Generator(model) as generator:
        drawn = [generator.generate("x", 5, 1.0, seed=seed).code for seed in range(12)]
        again = [generator.generate("x", 5, 1.0, seed=seed).code for seed in range(12)]
        narrow = {generator.generate("x", 5, 1.0, top_p=0.01, seed=seed).code for seed in range(12)}
    assert drawn == again
    assert len(set(drawn)) > 2
    assert narrow == {"cube([10,20,30]);a"}


def test_one_answer_does_not_colour_the_next(cube_model):
    with Generator(cube_model) as generator:
        first = generator.generate("a cube").code
        generator.generate("something quite different and longer")
        assert generator.generate("a cube").code == first


def test_loading_and_generating_print_nothing(cube_model, capfd):
    with Generator(cube_model) as generator:
        generator.generate("a cube")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (" \n", "got an empty text"),
        ("x" * 300, "no room in the model's context of 256"),
        ("a cube <|eot_id|>", "<|eot_id|> is a control token"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_bad_input(cube_model, prompt, message):
    with Generator(cube_model) as generator, pytest.raises(InputError) as error:
        generator.generate(prompt)
    assert message in str(error.value)


@pytest.mark.parametrize("option", [{"max_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"seed": -1}])
def test_an_option_out_of_range_is_bad_input(cube_model, option):
    with Generator(cube_model) as generator, pytest.raises(InputError, match=next(iter(option))):
        generator.generate("a cube", **option)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "no GGUF file"),
        (lambda data: b"PK\x03\x04" + data, "no GGUF file"),
        (lambda data: data[:3000], "llama.cpp cannot load it"),
        (lambda data: data[:-20000], "not within the file bounds"),
    ],
)
def test_a_broken_file_is_bad_input_that_names_the_file(cube_model, tmp_path, damage, message):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(damage(cube_model.read_bytes()))
    with pytest.raises(InputError) as error:
        Generator(broken)
    assert str(broken) in str(error.value)
    assert message in str(error.value)


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(InputError, match=r"none\.gguf: cannot be read \(No such file"):
        Generator(tmp_path / "none.gguf")


def test_a_file_without_a_chat_template_is_bad_input(tmp_path, write_gguf):
    model = write_gguf(tmp_path / "m.gguf", PIECES, template=None)
    with pytest.raises(InputError, match=r"no tokenizer\.chat_template"):
        Generator(model)
