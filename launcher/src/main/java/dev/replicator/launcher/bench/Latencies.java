package dev.replicator.launcher.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** Lags of the transactions of one measurement, in the order in which the master committed them. */
final class Latencies {
    private static final double MICROS_PER_MILLI = 1_000;
    private static final long MICROS_PER_SECOND = 1_000_000;

    private final long[] commits;
    private final long[] lags;
    private final long[] sorted;

    /**
     * Both arrays are kept.
     *
     * @param commits commit times on the master, microseconds, ascending
     * @param lags microseconds, of the same transactions
     */
    Latencies(long[] commits, long[] lags) {
        if (commits.length == 0 || commits.length != lags.length) {
            throw new IllegalArgumentException(commits.length + " commit times and " + lags.length + " lags");
        }
        this.commits = commits;
        this.lags = lags;
        this.sorted = lags.clone();
        Arrays.sort(sorted);
    }

    /**
     * Of transactions {@code first} to {@code first + count - 1}.
     *
     * @param master commit times by number, microseconds
     * @param target the same of the target
     */
    static Latencies between(Map<Long, Long> master, Map<Long, Long> target, long first, long count) {
        List<Long> ids = LongStream.range(first, first + count).boxed().collect(Collectors.toList());
        for (long id : ids) {
            if (!master.containsKey(id) || !target.containsKey(id)) {
                throw new IllegalStateException("transaction " + id + " is visible on the slave, but a commit record is"
                        + " missing (master's found: " + master.containsKey(id) + ", target's found: "
                        + target.containsKey(id) + "); were WAL files removed meanwhile?");
            }
        }
        ids.sort(Comparator.comparing(master::get));
        return new Latencies(
                ids.stream().mapToLong(master::get).toArray(),
                ids.stream().mapToLong(id -> target.get(id) - master.get(id)).toArray());
    }

    int count() {
        return lags.length;
    }

    /**
     * The least lag that so many percent of the transactions do not exceed, ms.
     *
     * @param percent above 0, at most 100
     */
    double percentile(double percent) {
        int rank = (int) Math.ceil(percent / 100 * sorted.length);
        return sorted[Math.max(rank, 1) - 1] / MICROS_PER_MILLI;
    }

    /** p50, p95, p99 and the greatest, ms. */
    Map<String, Double> summary() {
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("p50", percentile(50));
        values.put("p95", percentile(95));
        values.put("p99", percentile(99));
        values.put("max", percentile(100));
        return values;
    }

    /** Transactions per second from the first commit to the last. */
    double rate() {
        double seconds = (commits[commits.length - 1] - commits[0]) / (double) MICROS_PER_SECOND;
        return seconds == 0 ? 0 : (commits.length - 1) / seconds;
    }

    /** Median of each second of the measurement, ms; a second without a transaction has no point. */
    List<LinePlot.Point> secondMedians() {
        List<LinePlot.Point> medians = new ArrayList<>();
        int from = 0;
        while (from < commits.length) {
            long second = second(from);
            int to = from;
            while (to < commits.length && second(to) == second) {
                to++;
            }
            long[] part = Arrays.copyOfRange(lags, from, to);
            Arrays.sort(part);
            medians.add(new LinePlot.Point(second, part[(part.length - 1) / 2] / MICROS_PER_MILLI));
            from = to;
        }
        return medians;
    }

    /** Number of the second in which a transaction was committed, from 1. */
    private long second(int index) {
        return (commits[index] - commits[0]) / MICROS_PER_SECOND + 1;
    }
}
