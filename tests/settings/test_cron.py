"""Cron expressions, and when they run around the changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.settings import latest_run, next_run, parse_cron
from settings.expressions import expressions

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")


def runs(cron: str, zone: ZoneInfo, start: str, end: str) -> list[datetime]:
    """Every run later than ``start`` and not later than ``end``, wall clock of ``zone``; as UTC."""
    moment, last = (datetime.fromisoformat(text).replace(tzinfo=zone) for text in (start, end))
    found = []
    while (moment := next_run(parse_cron(cron), zone, moment)) <= last:
        found.append(moment)
    return found


def wall_clock(times: list[datetime], zone: ZoneInfo) -> list[str]:
    return [time.astimezone(zone).strftime("%a %H:%M") for time in times]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 8 * * *", ["Fri 08:00", "Sat 08:00", "Sun 08:00", "Mon 08:00"]),
        ("0 6,18 * * *", ["Fri 06:00", "Fri 18:00", "Sat 06:00", "Sat 18:00"]),
        ("0 9 * * 1-5", ["Fri 09:00", "Mon 09:00", "Tue 09:00", "Wed 09:00"]),
        ("*/30 * * * *", ["Fri 00:30", "Fri 01:00", "Fri 01:30", "Fri 02:00"]),
        ("0 9 * * 7", ["Sun 09:00", "Sun 09:00", "Sun 09:00", "Sun 09:00"]),
        ("0 9 * * 0", ["Sun 09:00", "Sun 09:00", "Sun 09:00", "Sun 09:00"]),
        ("0 9 * * 5-7", ["Fri 09:00", "Sat 09:00", "Sun 09:00", "Fri 09:00"]),
        ("0 9 * jun mon", ["Mon 09:00", "Mon 09:00", "Mon 09:00", "Mon 09:00"]),
    ],
)
def test_an_expression_runs_when_it_says(cron: str, expected: list[str]) -> None:
    found = runs(cron, NEW_YORK, "2026-06-05T00:00", "2026-07-05T00:00")
    assert wall_clock(found[:4], NEW_YORK) == expected


def test_runs_are_utc() -> None:
    summer = next_run("0 8 * * *", NEW_YORK, datetime(2026, 7, 1, tzinfo=UTC))
    winter = next_run("0 8 * * *", NEW_YORK, datetime(2026, 12, 1, tzinfo=UTC))
    assert (summer, winter) == (datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 12, 1, 13, tzinfo=UTC))
    assert summer.tzinfo is UTC


def test_a_run_is_later_than_now_even_at_its_very_second() -> None:
    eight = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert next_run("0 8 * * *", NEW_YORK, eight) == eight + timedelta(days=1)
    assert next_run("0 8 * * *", NEW_YORK, eight - timedelta(microseconds=1)) == eight


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        (NEW_YORK, "2026-03-06T12:00", "2026-03-10T12:00"),  # 02:30 does not exist on 8 March
        (NEW_YORK, "2026-10-30T12:00", "2026-11-03T12:00"),  # 01:30 exists twice on 1 November
        (BERLIN, "2026-03-27T12:00", "2026-03-31T12:00"),  # 29 March
        (BERLIN, "2026-10-23T12:00", "2026-10-27T12:00"),  # 25 October, 02:30 twice
    ],
)
@pytest.mark.parametrize("cron", ["30 2 * * *", "30 1 * * *", "0 3 * * *"])
def test_a_daily_run_happens_once_a_day_though_the_clock_changes(
    cron: str, zone: ZoneInfo, start: str, end: str
) -> None:
    days = [time.astimezone(zone).date() for time in runs(cron, zone, start, end)]
    assert len(days) == 4
    assert len(set(days)) == 4


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        (NEW_YORK, "2026-03-08T00:00", "2026-03-08T05:00"),
        (NEW_YORK, "2026-11-01T00:00", "2026-11-01T05:00"),
        (BERLIN, "2026-10-25T00:00", "2026-10-25T05:00"),
    ],
)
def test_every_quarter_of_an_hour_goes_on_through_a_change_of_the_clock(zone: ZoneInfo, start: str, end: str) -> None:
    found = runs("*/15 * * * *", zone, start, end)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=15)}


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("0 0 8 * * *", "6 fields"),
        ("@daily", "1 fields"),
        ("60 8 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 8 * * 8", "day-of-week"),
        ("0 8 0 * *", "day-of-month"),
        ("0 8 * 13 *", "month"),
        ("*/0 8 * * *", "minute"),
        ("eight 8 * * *", "minute"),
        ("0 0 30 2 *", "day-of-month"),
        ("0 0 31 4,6 *", "day-of-month"),
        ("0 0 */30 2 1#3", "never comes"),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_reason(cron: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_cron(cron)


def test_white_space_and_case_do_not_matter() -> None:
    assert parse_cron("  0\t9 *  * mon-fri ") == "0 9 * * MON-FRI"


def test_the_next_run_lies_ahead_also_within_the_hour_that_is_repeated() -> None:
    repeated = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)  # ten past one in New York, for the second time
    assert next_run("30 1 * * *", NEW_YORK, repeated) == datetime(2026, 11, 2, 6, 30, tzinfo=UTC)
    assert latest_run("30 1 * * *", NEW_YORK, repeated) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "run"),
    [
        ("0 */2 * * *", "Australia/Lord_Howe", "2026-04-04T13:00Z", "2026-04-04T15:30Z"),  # back by half an hour
        ("* 1 * * SUN", "America/Santiago", "2026-08-30T05:59Z", "2026-09-06T04:00Z"),  # that Sunday begins at one
        ("0 0 * * *", "America/Santiago", "2026-09-05T04:00Z", "2026-09-06T04:00Z"),
    ],
)
def test_no_run_is_lost_where_clocks_change_in_an_unusual_way(cron: str, zone: str, after: str, run: str) -> None:
    moment = datetime.fromisoformat(after)
    assert next_run(parse_cron(cron), ZoneInfo(zone), moment) == datetime.fromisoformat(run)


def test_a_run_is_the_latest_from_its_very_second_on() -> None:
    eight = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert latest_run("0 8 * * *", NEW_YORK, eight) == eight
    assert latest_run("0 8 * * *", NEW_YORK, eight + timedelta(hours=23, minutes=59)) == eight
    assert latest_run("0 8 * * *", NEW_YORK, eight - timedelta(microseconds=1)) == eight - timedelta(days=1)


def _zone_and_moment() -> st.SearchStrategy[tuple[ZoneInfo, datetime]]:
    """Any second of the year, and more often one near a change of the zone's clock."""
    year = datetime(2026, 1, 1, tzinfo=UTC)
    changes = {
        NEW_YORK: ("2026-03-08T07:00Z", "2026-11-01T06:00Z"),
        BERLIN: ("2026-03-29T01:00Z", "2026-10-25T01:00Z"),
        ZoneInfo("Australia/Lord_Howe"): ("2026-04-04T15:00Z", "2026-10-03T15:30Z"),  # by half an hour
        ZoneInfo("America/Santiago"): ("2026-04-05T03:00Z", "2026-09-06T04:00Z"),  # at midnight
        ZoneInfo("Asia/Kathmandu"): (),
    }

    def moments(zone: ZoneInfo) -> st.SearchStrategy[datetime]:
        anywhere = st.integers(0, 365 * 86_400).map(lambda seconds: year + timedelta(seconds=seconds))
        near = st.tuples(st.sampled_from(changes[zone] or (year.isoformat(),)), st.integers(-10_800, 10_800)).map(
            lambda pair: datetime.fromisoformat(pair[0]) + timedelta(seconds=pair[1])
        )
        return near | anywhere

    return st.sampled_from(sorted(changes, key=str)).flatmap(lambda zone: st.tuples(st.just(zone), moments(zone)))


@given(expressions(), _zone_and_moment())
def test_the_way_back_goes_through_the_same_runs_as_the_way_forth(cron: str, place: tuple[ZoneInfo, datetime]) -> None:
    zone, moment = place
    latest, following = latest_run(cron, zone, moment), next_run(cron, zone, moment)
    assert latest <= moment < following
    assert next_run(cron, zone, latest) == following
    assert latest_run(cron, zone, following) == following
    assert latest_run(cron, zone, following - timedelta(seconds=1)) == latest
    assert next_run(cron, zone, latest - timedelta(seconds=1)) == latest


@given(
    st.sampled_from(["0 8 * * *", "30 2 * * *", "*/15 * * * *", "0 9 * * 1-5", "0 0 29 2 *"]),
    st.integers(1_577_836_800, 2_051_222_400).map(lambda second: datetime.fromtimestamp(second, UTC)),  # 2020..2034
    st.sampled_from([NEW_YORK, BERLIN, ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")]),
)
def test_the_next_run_always_lies_ahead_and_nothing_is_left_out_before_it(
    cron: str, after: datetime, zone: ZoneInfo
) -> None:
    run = next_run(cron, zone, after)
    assert run > after
    assert next_run(cron, zone, run - timedelta(seconds=1)) == run
    assert next_run(cron, zone, after + (run - after) / 2) == run
