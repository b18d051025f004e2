"""The guided queries: one for each way to reach rows, each with what to look at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stop:
    """One query of the tour.

    Attributes:
        title: the question in words.
        look: what EXPLAIN shows here.
        sql: the statement.
    """

    title: str
    look: str
    sql: str


TOUR = (
    Stop(
        "How late was United 1545 on New Year's morning?",
        "the whole key is given: a point get, one key of one partition",
        "SELECT tailnum, dep_delay, arr_delay FROM flights "
        "WHERE carrier = 'UA' AND flight = 1545 AND time_hour = '2013-01-01 10:00:00'",
    ),
    Stop(
        "Where are New York's three airports?",
        "IN on the hash key: a multi get, only the partitions that hold them",
        "SELECT faa, name, lat, lon FROM airports WHERE faa IN ('EWR', 'JFK', 'LGA') ORDER BY faa",
    ),
    Stop(
        "How did JetBlue 371 begin the year?",
        "IN on the sort key: a multi get within one hash key",
        "SELECT time_hour, origin, dest, dep_delay FROM flights WHERE carrier = 'B6' AND flight = 371 "
        "AND time_hour IN ('2013-01-01 11:00:00', '2013-01-02 11:00:00', '2013-01-03 11:00:00') "
        "ORDER BY time_hour",
    ),
    Stop(
        "What was the weather at JFK on the first morning of the year?",
        "hash key and a range of the sort key: a range scan, one partition",
        "SELECT time_hour, temp, wind_speed, visib FROM weather WHERE origin = 'JFK' "
        "AND time_hour BETWEEN '2013-01-01 10:00:00' AND '2013-01-01 16:00:00' ORDER BY time_hour",
    ),
    Stop(
        "The last five departures of American 59?",
        "the order is the key's, backwards: no sort, and the limit stops the scan",
        "SELECT time_hour, origin, dest, dep_delay FROM flights WHERE carrier = 'AA' AND flight = 59 "
        "ORDER BY time_hour DESC LIMIT 5",
    ),
    Stop(
        "Which mornings of that flight left more than two hours late?",
        "a range scan whose filter on dep_delay is evaluated beside it",
        "SELECT time_hour, dep_delay FROM flights WHERE carrier = 'AA' AND flight = 59 "
        "AND dep_delay > 120 ORDER BY time_hour",
    ),
    Stop(
        "The ten most delayed departures of the year?",
        "no key: every partition is scanned, and the filter runs on the storage node",
        "SELECT carrier, flight, time_hour, origin, dest, dep_delay FROM flights WHERE dep_delay > 800 "
        "ORDER BY dep_delay DESC, carrier LIMIT 10",
    ),
    Stop(
        "How many flights never left?",
        "a count: nodes count, no row travels",
        "SELECT count(*) AS cancelled FROM flights WHERE dep_time IS NULL",
    ),
    Stop(
        "Which airlines are late on average?",
        "GROUP BY and a join: DuckDB finishes the query over two scans",
        "SELECT a.name, count(*) AS flights, round(avg(f.arr_delay), 1) AS late FROM flights f "
        "JOIN airlines a ON a.carrier = f.carrier GROUP BY a.name ORDER BY late DESC, a.name LIMIT 8",
    ),
    Stop(
        "Does fog delay departures?",
        "a join of flights and weather on origin and hour",
        "SELECT CASE WHEN w.visib < 2 THEN 'fog' ELSE 'clear' END AS sight, count(*) AS flights, "
        "round(avg(f.dep_delay), 1) AS late FROM flights f JOIN weather w "
        "ON w.origin = f.origin AND w.time_hour = f.time_hour GROUP BY 1 ORDER BY 1",
    ),
    Stop(
        "The worst day of each airport?",
        "a window function over a full scan",
        "SELECT origin, month, day, late FROM (SELECT origin, month, day, round(avg(dep_delay), 1) AS late, "
        "row_number() OVER (PARTITION BY origin ORDER BY avg(dep_delay) DESC) AS place "
        "FROM flights GROUP BY origin, month, day) AS d WHERE place = 1 ORDER BY origin",
    ),
)
