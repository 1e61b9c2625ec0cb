/** Output of commands for people and programs: tables, sizes and times in human units, progress, errors. */
package dev.replicator.runtime.cli;
