/**
 * YAML configuration with every problem reported at once, each with its path and line. Start with
 * {@link dev.replicator.runtime.config.ConfigFile}. SnakeYAML stays in here.
 */
package dev.replicator.runtime.config;
