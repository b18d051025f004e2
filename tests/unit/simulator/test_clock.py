"""Time moves by the heap alone."""

from pegasus_server.simulator.clock import Clock, MachineClock


def test_actions_run_in_order_of_time_then_of_asking() -> None:
    clock = Clock()
    seen: list[object] = []
    clock.at(20, seen.append, "later")
    clock.at(10, seen.append, "first")
    clock.at(10, seen.append, "second")
    clock.run_until(15)
    assert (seen, clock.now_us) == (["first", "second"], 15)
    clock.run_until(20)
    assert seen[-1] == "later"


def test_an_action_of_the_past_runs_now() -> None:
    clock = Clock()
    seen: list[object] = []
    clock.run_until(50)
    clock.at(10, lambda: seen.append(clock.now_us))
    clock.run_until(50)
    assert seen == [50]


def test_machine_clocks_err_in_rate() -> None:
    clock = Clock()
    fast, slow = MachineClock(clock, 10_000, 5), MachineClock(clock, -10_000, 0)
    clock.run_until(1_000_000)
    assert (fast.now_us, slow.now_us) == (1_010_005, 990_000)


def test_true_time_of_a_deadline_is_when_the_machine_shows_it() -> None:
    clock = Clock()
    for rate in (-9_999, -1, 0, 1, 7, 9_999):
        machine = MachineClock(clock, rate, 3)
        for deadline_us in (3, 4, 1_000, 999_999):
            probe = Clock()
            at = MachineClock(probe, rate, 3)
            probe.run_until(machine.true_us(deadline_us))
            assert at.now_us >= deadline_us
            if probe.now_us:
                before = Clock()
                before.run_until(probe.now_us - 1)
                assert MachineClock(before, rate, 3).now_us < deadline_us
