import pytest

from cadmonkey.cad import worker
from cadmonkey.cad.workers import work

CUBE = "cube([10, 20, 30]);"


def verdict(code: str) -> dict[str, str]:
    return {"do": "verdict", "code": code, "reference": CUBE}


def test_answers_come_in_the_order_of_the_requests():
    answers = work([verdict(f"cube([10, 20, {height}]);") for height in (31, 30, 32, 33, 30)], processes=2)
    assert [answer["verdict"]["all_pass"] for answer in answers] == [False, True, False, False, True]


@pytest.mark.usefixtures("hostile_judge")
def test_a_request_that_hangs_is_ended_and_its_worker_replaced():
    answers = work([verdict("hang"), verdict(CUBE)], processes=1, time_limit_s=2)
    assert answers[0] == {"failed": "time limit"}
    assert answers[1]["verdict"]["all_pass"]


@pytest.mark.usefixtures("hostile_judge")
def test_a_request_that_kills_its_worker_fails_alone():
    answers = work([verdict("crash"), verdict(CUBE)], processes=1)
    assert answers[0] == {"failed": "crashed the judge"}
    assert answers[1]["verdict"]["all_pass"]


def test_a_defect_of_ours_is_the_verdict_of_one_program(monkeypatch):
    def broken(request):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(worker, "_verdict", broken)
    assert worker._answer(verdict(CUBE)) == {"failed": "judge failed: ZeroDivisionError: oh"}


def test_no_requests_need_no_workers():
    assert work([]) == []
