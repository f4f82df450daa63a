import os

import pytest

from cadmonkey.errors import InputError, RunError
from cadmonkey.terminal import check_writable, progress, run


def raising(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(("error", "status"), [(InputError("a\n b"), 2), (RunError("a b"), 1)])
def test_an_explained_error_is_one_line_and_its_status(error, status, capsys):
    with pytest.raises(SystemExit) as exit_:
        run(raising(error))
    assert exit_.value.code == status
    assert capsys.readouterr() == ("", "error: a b\n")


def test_an_interrupt_exits_with_130(capsys):
    with pytest.raises(SystemExit) as exit_:
        run(raising(KeyboardInterrupt()))
    assert exit_.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_defect_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))


def test_a_folder_under_a_file_is_bad_input_and_a_new_folder_is_fine_and_not_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        check_writable(tmp_path / "file" / "a" / "b")
    check_writable(tmp_path / "new" / "deep")
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_bad_input(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(InputError, match="no permission"):
        check_writable(tmp_path / "locked" / "out")


def test_progress_without_a_terminal_is_a_plain_line_at_the_end(capsys):
    with progress("judge", 3, done=1) as advance:
        advance("first")
        advance("last")
    assert capsys.readouterr().err == "judge 3/3, last\n"
