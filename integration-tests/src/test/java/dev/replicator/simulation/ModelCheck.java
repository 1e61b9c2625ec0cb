package dev.replicator.simulation;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.LoggerFactory;

/**
 * Runs random histories and reports. As a program: {@code --histories N --seed S --threads T --failures F}; after F failing
 * histories (1 by default) it goes no further, prints each made shorter, and ends with status 1.
 */
public final class ModelCheck {
    private static final long PROGRESS = 10_000;

    private final long firstSeed;
    private final AtomicLong next;
    private final AtomicLong steps = new AtomicLong();
    private final AtomicLong done = new AtomicLong();
    private final Map<Action, AtomicLong> counts = new EnumMap<>(Action.class);
    private final Queue<Failure> failures = new ConcurrentLinkedQueue<>();
    private final int bearable;
    private final Consumer<String> progress;

    /** A failing history. */
    record Failure(long seed, List<Choice> choices, Throwable reason) {}

    ModelCheck(long firstSeed) {
        this(firstSeed, 1, line -> {});
    }

    private ModelCheck(long firstSeed, int bearable, Consumer<String> progress) {
        this.progress = progress;
        this.firstSeed = firstSeed;
        this.bearable = bearable;
        this.next = new AtomicLong(firstSeed);
        for (Action action : Action.values()) {
            counts.put(action, new AtomicLong());
        }
        ((Logger) LoggerFactory.getLogger("dev.replicator"))
                .setLevel(Level.valueOf(System.getProperty("model.log", "OFF")));
    }

    public static void main(String[] arguments) throws InterruptedException {
        long histories = option(arguments, "--histories", 100_000);
        long seed = option(arguments, "--seed", System.currentTimeMillis());
        int threads = (int) option(arguments, "--threads", 1);
        PrintStream out = output();
        ModelCheck check = new ModelCheck(seed, (int) option(arguments, "--failures", 1), out::println);
        long began = System.nanoTime();
        long last = seed + histories;
        List<Thread> running = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(() -> check.run(() -> check.next.get() < last));
            thread.start();
            running.add(thread);
        }
        for (Thread thread : running) {
            thread.join();
        }
        out.println(check.summary((System.nanoTime() - began) / 1_000_000));
        if (check.hasFailed()) {
            check.explain(out);
            throw new IllegalStateException("a history fails");
        }
    }

    /** Processor time of the calling thread: a busy machine must not make the check shorter. */
    static long cpuMillis() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1_000_000;
    }

    /** What it prints is its result. */
    static PrintStream output() {
        return new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    }

    private static long option(String[] arguments, String name, long otherwise) {
        for (int i = 0; i + 1 < arguments.length; i++) {
            if (arguments[i].equals(name)) {
                return Long.parseLong(arguments[i + 1]);
            }
        }
        return otherwise;
    }

    /** Runs histories, one after the other, until too many failed or there shall be no more. */
    void run(BooleanSupplier more) {
        while (failures.size() < bearable && more.getAsBoolean()) {
            one(next.getAndIncrement());
        }
    }

    void one(long seed) {
        Outcome outcome = new History(Settings.draw(seed)).random(seed);
        if (done.incrementAndGet() % PROGRESS == 0) {
            progress.accept(done.get() + " histories, " + failures.size() + " failed");
        }
        steps.addAndGet(outcome.steps());
        outcome.counts().forEach((action, count) -> counts.get(action).addAndGet(count));
        if (!outcome.isRight()) {
            failures.add(new Failure(seed, outcome.choices(), outcome.failure()));
            progress.accept("history " + seed + " fails: " + outcome.failure());
        }
    }

    boolean hasFailed() {
        return !failures.isEmpty();
    }

    String summary(long millis) {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%d histories from seed %d, %d steps, %d.%03d s",
                done.get(),
                firstSeed,
                steps.get(),
                millis / 1000,
                millis % 1000));
        counts.forEach(
                (action, count) -> text.append(String.format(Locale.ROOT, "%n  %-26s %12d", action, count.get())));
        return text.toString();
    }

    /** Prints for each failing history the shortest one found that fails alike. */
    void explain(PrintStream out) {
        failures.forEach(failure -> explain(out, failure));
    }

    private static void explain(PrintStream out, Failure first) {
        out.println("History " + first.seed() + " fails: " + first.reason());
        History history = new History(Settings.draw(first.seed()));
        List<Choice> shortest = new Shrinker(history, first.reason()).shrink(first.choices());
        List<String> trace = new ArrayList<>();
        Outcome again = history.replay(shortest, trace);
        out.println("Run it again with --histories 1 --seed " + first.seed() + ". " + Settings.draw(first.seed()));
        out.println("Shortest history found, " + shortest.size() + " of "
                + first.choices().size() + " steps:");
        trace.forEach(out::println);
        out.println("=> " + again.failure());
        Throwable reason = again.failure() == null ? first.reason() : again.failure();
        if (!(reason instanceof Violation)) {
            reason.printStackTrace(out);
        }
    }
}
