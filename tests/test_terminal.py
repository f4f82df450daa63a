import os
import signal
import subprocess
import sys
import textwrap

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


def test_sigterm_cleans_up_here_and_in_the_process_apart_and_exits_with_143(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """\
            import sys, time
            from pathlib import Path
            from cadmonkey.terminal import run, run_apart

            def hold(name):
                path = Path(sys.argv[1]) / name
                path.touch()
                try:
                    run_apart(hold, "apart") if name == "here" else time.sleep(60)
                finally:
                    path.unlink()

            if __name__ == "__main__":
                run(lambda: hold("here"))
            """
        )
    )
    places = [tmp_path / "here", tmp_path / "apart"]
    process = subprocess.Popen([sys.executable, script, tmp_path], stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not all(path.exists() for path in places):
        pass
    process.terminate()
    assert process.communicate()[1] == ""
    assert process.returncode == 128 + signal.SIGTERM
    assert [path for path in places if path.exists()] == []


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


@pytest.mark.parametrize(
    ("passing", "lines"), [(True, ["write 1/2, 5 s left"]), (False, ["write 1/2, 5 s left", "write 2/2"])]
)
def test_of_passing_progress_a_log_has_only_what_took_long(passing, lines, capsys, monkeypatch):
    now = 0.0
    monkeypatch.setattr("cadmonkey.terminal.time.perf_counter", lambda: now)
    monkeypatch.setattr("cadmonkey.terminal.PLAIN_LINE_EVERY_S", 5.0)
    with progress("write", 2, passing=passing) as advance:
        for now in (5.0, 6.0):  # noqa: B007
            advance("")
    assert capsys.readouterr().err.splitlines() == lines
