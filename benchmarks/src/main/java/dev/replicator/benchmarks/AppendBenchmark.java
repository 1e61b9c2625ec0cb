package dev.replicator.benchmarks;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Transactions per second into the queue until durable, encoding included. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class AppendBenchmark {
    private static final int TRANSACTIONS = 10_000;

    private QueueDirectory directory;

    @Setup(Level.Iteration)
    public void open() throws IOException {
        directory = new QueueDirectory();
    }

    @TearDown(Level.Iteration)
    public void close() throws IOException {
        directory.close();
    }

    @Benchmark
    @OperationsPerInvocation(TRANSACTIONS)
    public long append() throws IOException {
        return directory.append(TRANSACTIONS);
    }
}
