package dev.replicator.simulation;

/**
 * One step of a history.
 *
 * @param action what is done
 * @param argument decides the rest: which row, which slave
 */
record Choice(Action action, int argument) {}
