package dev.replicator.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class MetricsTest {
    private final Metrics metrics = new Metrics();

    @Test
    void shouldWriteTheTextFormat() {
        Metrics.Counter rows = metrics.counter("rows_total", "Rows applied.", "table");
        metrics.gauge("lag_seconds", "Behind by.", () -> 0.25);
        metrics.gauge("none", "Not known.", () -> Double.NaN);
        metrics.gauges("slaves", "By state.", List.of("state"), () -> Map.of(List.of("in-sync"), 2.0));
        Metrics.Gauge bytes = metrics.gauge("queue_bytes", "Size.");
        Metrics.Histogram seconds = metrics.histogram("apply_seconds", "Per batch.", List.of(0.1, 1.0));
        rows.increment("public.\"a\\b\"");
        rows.add(2, "public.\"a\\b\"");
        bytes.set(1e9);
        seconds.observe(0.1);
        seconds.observe(0.5);
        seconds.observe(7);

        assertEquals(
                """
                # HELP apply_seconds Per batch.
                # TYPE apply_seconds histogram
                apply_seconds_bucket{le="0.1"} 1
                apply_seconds_bucket{le="1"} 2
                apply_seconds_bucket{le="+Inf"} 3
                apply_seconds_sum 7.6
                apply_seconds_count 3
                # HELP lag_seconds Behind by.
                # TYPE lag_seconds gauge
                lag_seconds 0.25
                # HELP none Not known.
                # TYPE none gauge
                # HELP queue_bytes Size.
                # TYPE queue_bytes gauge
                queue_bytes 1000000000
                # HELP rows_total Rows applied.
                # TYPE rows_total counter
                rows_total{table="public.\\"a\\\\b\\""} 3
                # HELP slaves By state.
                # TYPE slaves gauge
                slaves{state="in-sync"} 2
                """,
                metrics.scrape());
    }

    @Test
    void shouldShowACounterWithoutLabelsFromTheStart() {
        metrics.counter("torn_tails_total", "Cut tails.");

        assertEquals(
                "# HELP torn_tails_total Cut tails.\n# TYPE torn_tails_total counter\ntorn_tails_total 0\n",
                metrics.scrape());
    }

    @Test
    void shouldCountFromManyThreads() {
        Metrics.Counter counter = metrics.counter("n_total", "N.", "who");

        IntStream.range(0, 10_000).parallel().forEach(index -> counter.increment("all"));

        assertEquals(10_000, counter.value("all"));
    }

    @Test
    void shouldForgetAGauge() {
        Metrics.Gauge gauge = metrics.gauge("g", "G.", "slave");
        gauge.set(1, "a");

        gauge.remove("a");

        assertEquals("# HELP g G.\n# TYPE g gauge\n", metrics.scrape());
    }

    @Test
    void shouldRefuseMisuse() {
        Metrics.Counter counter = metrics.counter("n_total", "N.", "who");

        assertThrows(IllegalArgumentException.class, () -> counter.add(-1, "a"));
        assertThrows(IllegalArgumentException.class, () -> counter.increment());
        assertThrows(IllegalArgumentException.class, () -> metrics.gauge("n_total", "N."));
        assertThrows(IllegalArgumentException.class, () -> metrics.counter("n-total", "N."));
        assertThrows(IllegalArgumentException.class, () -> metrics.histogram("h", "H.", List.of(2.0, 1.0)));
    }
}
