"""A thousand requests in one burst: all accepted in time, none lost, and declined what the hour has no room for."""

import asyncio
from collections import Counter
from pathlib import Path

from tests.bitrix24.portal import ANSWER_SECONDS
from tests.bitrix24.rig import rigged

JOBS, HOUR = 1000, 600


def test_a_burst_of_a_thousand_is_accepted_and_the_hourly_limit_declines_the_rest(
    store_url: str, tmp_path: Path
) -> None:
    with rigged(tmp_path, store_url, workers=2) as rig:
        portal = rig.portal
        jobs = [portal.make(portal.engine("_texts"), prompt=f"Question {number}") for number in range(JOBS)]

        async def send() -> None:
            await asyncio.gather(*map(portal.post, jobs))

        portal.run(send())
        assert Counter(job.status for job in jobs) == {202: JOBS}
        assert max(job.seconds for job in jobs) < ANSWER_SECONDS  # the portal itself waits no longer
        portal.wait(*jobs, seconds=240)
        rig.idle()
        answered = [job for job in jobs if job.result is not None]
        declined = [job.error for job in jobs if job.error is not None]
        assert (len(answered), len(declined)) == (HOUR, JOBS - HOUR)
        assert {error["code"] for error in declined} == {"hourly_limit"}
        assert all("лимит обращений за час" in error["message"] for error in declined)
        assert all("Остаток AI-запросов: 400 запросов" in error["message"] for error in declined[-10:])
        assert not any(error["api_request_completed"] for error in declined)
        assert len(rig.entries("captured")) == HOUR == rig.used()
        assert portal.violations == []
