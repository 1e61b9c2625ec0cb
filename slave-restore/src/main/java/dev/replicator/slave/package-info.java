/**
 * The slave daemon: restores dumps into a database and applies the master's changes to it.
 *
 * <p>Reading order: {@link dev.replicator.slave.SlaveDaemon}, {@code Coordinator} (decides from the durable state what is to be done next),
 * then the packages {@code state} (what is durable), {@code lane} (applying), {@code restore} (dumps), {@code netting} and {@code
 * postgres} (writing rows). Threads: one coordinator, one control link, two for each lane, restore workers.
 */
package dev.replicator.slave;
