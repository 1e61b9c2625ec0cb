package dev.replicator.launcher.bench;

/**
 * One way to replicate, measured while the other is at rest.
 *
 * @param name in messages and plots
 * @param database on the target
 * @param log of that database
 * @param wake lets it go on; it may have to catch up
 * @param rest so that it costs nothing any more
 */
record LagSide(String name, String database, CommitLog log, BenchRun.Work wake, BenchRun.Work rest) {}
