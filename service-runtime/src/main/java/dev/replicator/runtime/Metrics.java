package dev.replicator.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * A registry of counters, gauges and histograms in the Prometheus text format 0.0.4.
 *
 * <p>Thread-safe. Names end in their unit ({@code _seconds}, {@code _bytes}) and counters in {@code _total}. The number of
 * label values must be bounded: tables and slaves are, keys and positions are not.
 */
public final class Metrics {
    private static final Pattern NAME = Pattern.compile("[a-zA-Z_][a-zA-Z0-9_]*");

    private final ConcurrentMap<String, Family> families = new ConcurrentHashMap<>();

    /** Registers a value that only grows. */
    public Counter counter(String name, String help, String... labelNames) {
        return register(new Counter(new Description(name, help, "counter", List.of(labelNames))));
    }

    /** Registers a value that is set. */
    public Gauge gauge(String name, String help, String... labelNames) {
        return register(new Gauge(new Description(name, help, "gauge", List.of(labelNames))));
    }

    /** Registers a value that is asked for at each scrape; NaN leaves it out. */
    public void gauge(String name, String help, DoubleSupplier value) {
        gauges(name, help, List.of(), () -> Map.of(List.of(), value.getAsDouble()));
    }

    /** Registers values by label values that are asked for at each scrape. */
    public void gauges(String name, String help, List<String> labelNames, Supplier<Map<List<String>, Double>> values) {
        register(new Asked(new Description(name, help, "gauge", List.copyOf(labelNames)), values));
    }

    /** As {@link #gauges}, for numbers that only grow and are counted elsewhere. */
    public void counters(
            String name, String help, List<String> labelNames, Supplier<Map<List<String>, Double>> values) {
        register(new Asked(new Description(name, help, "counter", List.copyOf(labelNames)), values));
    }

    /**
     * Registers a distribution.
     *
     * @param bounds upper bounds of the buckets, inclusive, ascending; the last one is infinite by itself
     */
    public Histogram histogram(String name, String help, List<Double> bounds, String... labelNames) {
        return register(
                new Histogram(new Description(name, help, "histogram", List.of(labelNames)), List.copyOf(bounds)));
    }

    /** Returns all values, families by name, as a scrape expects them. */
    public String scrape() {
        StringBuilder text = new StringBuilder(4096);
        new TreeMap<>(families).values().forEach(family -> {
            Description about = family.about();
            text.append("# HELP ")
                    .append(about.name)
                    .append(' ')
                    .append(escape(about.help, false))
                    .append('\n');
            text.append("# TYPE ")
                    .append(about.name)
                    .append(' ')
                    .append(about.type)
                    .append('\n');
            family.write(text);
        });
        return text.toString();
    }

    private <F extends Family> F register(F family) {
        if (families.putIfAbsent(family.about().name, family) != null) {
            throw new IllegalArgumentException("The metric " + family.about().name + " is registered already");
        }
        return family;
    }

    private interface Family {
        Description about();

        void write(StringBuilder text);
    }

    private record Description(String name, String help, String type, List<String> labelNames) {
        Description {
            if (!NAME.matcher(name).matches()) {
                throw new IllegalArgumentException("Not a metric name: " + name);
            }
            labelNames.forEach(label -> {
                if (!NAME.matcher(label).matches()) {
                    throw new IllegalArgumentException("Not a label name: " + label);
                }
            });
        }

        List<String> check(String... labels) {
            return check(List.of(labels));
        }

        List<String> check(List<String> labels) {
            if (labels.size() != labelNames.size()) {
                throw new IllegalArgumentException(name + " has the labels " + labelNames + ", got " + labels);
            }
            return labels;
        }

        void line(StringBuilder text, String suffix, List<String> labels, String extra, double value) {
            text.append(name).append(suffix);
            List<String> pairs = new ArrayList<>();
            for (int index = 0; index < labels.size(); index++) {
                pairs.add(labelNames.get(index) + "=\"" + escape(labels.get(index), true) + "\"");
            }
            if (!extra.isEmpty()) {
                pairs.add(extra);
            }
            if (!pairs.isEmpty()) {
                text.append('{').append(String.join(",", pairs)).append('}');
            }
            text.append(' ').append(number(value)).append('\n');
        }
    }

    /** A value that only grows, per label values. */
    public static final class Counter implements Family {
        private final Description about;
        private final ConcurrentMap<List<String>, DoubleAdder> values = new ConcurrentHashMap<>();

        private Counter(Description about) {
            this.about = about;
            if (about.labelNames.isEmpty()) {
                values.put(List.of(), new DoubleAdder());
            }
        }

        /** Adds one. */
        public void increment(String... labels) {
            add(1, labels);
        }

        /** Adds an amount that is not negative. */
        public void add(double amount, String... labels) {
            if (!(amount >= 0)) {
                throw new IllegalArgumentException("A counter only grows; got " + amount + " for " + about.name);
            }
            values.computeIfAbsent(about.check(labels), key -> new DoubleAdder())
                    .add(amount);
        }

        /** Returns the current value, 0 if there is none. */
        public double value(String... labels) {
            DoubleAdder value = values.get(about.check(labels));
            return value == null ? 0 : value.sum();
        }

        @Override
        public Description about() {
            return about;
        }

        @Override
        public void write(StringBuilder text) {
            values.forEach((labels, value) -> about.line(text, "", labels, "", value.sum()));
        }
    }

    /** A value that is set, per label values. */
    public static final class Gauge implements Family {
        private final Description about;
        private final ConcurrentMap<List<String>, AtomicReference<Double>> values = new ConcurrentHashMap<>();

        private Gauge(Description about) {
            this.about = about;
        }

        /** Sets the value. */
        public void set(double value, String... labels) {
            values.computeIfAbsent(about.check(labels), key -> new AtomicReference<>(0.0))
                    .set(value);
        }

        /** Forgets the value of these labels, such as of a slave that is gone. */
        public void remove(String... labels) {
            values.remove(about.check(labels));
        }

        @Override
        public Description about() {
            return about;
        }

        @Override
        public void write(StringBuilder text) {
            values.forEach((labels, value) -> about.line(text, "", labels, "", value.get()));
        }
    }

    /** A distribution over fixed buckets, per label values. */
    public static final class Histogram implements Family {
        private final Description about;
        private final List<Double> bounds;
        private final ConcurrentMap<List<String>, Buckets> values = new ConcurrentHashMap<>();

        private Histogram(Description about, List<Double> bounds) {
            this.about = about;
            this.bounds = bounds;
            for (int index = 1; index < bounds.size(); index++) {
                if (!(bounds.get(index) > bounds.get(index - 1))) {
                    throw new IllegalArgumentException("Bounds of " + about.name + " do not ascend: " + bounds);
                }
            }
        }

        /** Counts one observation, such as a duration in seconds. */
        public void observe(double value, String... labels) {
            values.computeIfAbsent(about.check(labels), key -> new Buckets(bounds.size()))
                    .observe(bounds, value);
        }

        @Override
        public Description about() {
            return about;
        }

        @Override
        public void write(StringBuilder text) {
            values.forEach((labels, buckets) -> {
                long cumulative = 0;
                for (int index = 0; index <= bounds.size(); index++) {
                    cumulative += buckets.counts.get(index).sum();
                    String bound = index < bounds.size() ? number(bounds.get(index)) : "+Inf";
                    about.line(text, "_bucket", labels, "le=\"" + bound + "\"", cumulative);
                }
                about.line(text, "_sum", labels, "", buckets.sum.sum());
                about.line(text, "_count", labels, "", cumulative);
            });
        }
    }

    private static final class Buckets {
        private final List<LongAdder> counts = new ArrayList<>();
        private final DoubleAdder sum = new DoubleAdder();

        Buckets(int bounds) {
            for (int index = 0; index <= bounds; index++) {
                counts.add(new LongAdder());
            }
        }

        void observe(List<Double> bounds, double value) {
            int index = 0;
            while (index < bounds.size() && value > bounds.get(index)) {
                index++;
            }
            counts.get(index).increment();
            sum.add(value);
        }
    }

    private record Asked(Description about, Supplier<Map<List<String>, Double>> values) implements Family {
        @Override
        public void write(StringBuilder text) {
            values.get().forEach((labels, value) -> {
                if (!value.isNaN()) {
                    about.line(text, "", about.check(labels), "", value);
                }
            });
        }
    }

    private static String number(double value) {
        if (Double.isInfinite(value)) {
            return value > 0 ? "+Inf" : "-Inf";
        }
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }

    private static String escape(String text, boolean quotes) {
        String escaped = text.replace("\\", "\\\\").replace("\n", "\\n");
        return quotes ? escaped.replace("\"", "\\\"") : escaped;
    }
}
