/** The {@code replicator} command: {@link dev.replicator.launcher.Main} puts the subcommands of all modules together. */
package dev.replicator.launcher;
