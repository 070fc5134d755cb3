"""The text of health answers."""

from __future__ import annotations

from component.health import HealthChecks


def checks() -> HealthChecks:
    made = HealthChecks()

    async def broken() -> str | None:
        raise RuntimeError("secret detail")

    made.add("good", lambda: None)
    made.add("bad", broken)
    return made


async def test_all_good() -> None:
    made = HealthChecks()
    made.add("etcd", lambda: None)
    assert (await made.answer("readyz")).text == "ok"
    verbose = await made.answer("readyz", verbose=True)
    assert (verbose.status, verbose.text) == (200, "[+]ping ok\n[+]etcd ok\nreadyz check passed\n")


async def test_one_bad_withholds_its_reason() -> None:
    answer = await checks().answer("livez")
    assert answer.status == 500
    assert answer.text == "[+]ping ok\n[+]good ok\n[-]bad failed: reason withheld\nlivez check failed\n"


async def test_excluding_and_single_checks() -> None:
    excluded = await checks().answer("livez", exclude=["bad", "unknown"], verbose=True)
    assert excluded.status == 200
    assert "[+]bad excluded: ok" in excluded.text
    assert 'no matches for "unknown"' in excluded.text
    assert (await checks().answer("livez", name="good")).status == 200
    assert (await checks().answer("livez", name="bad")).status == 500
    assert (await checks().answer("livez", name="none")).status == 404


async def test_what_only_delays_readiness_does_not_end_a_life() -> None:
    made = HealthChecks()
    made.add("synced", lambda: "not yet", readiness_only=True)
    assert (await made.answer("readyz")).status == 500
    assert (await made.answer("livez")).status == 200
    assert (await made.answer("healthz")).status == 200
