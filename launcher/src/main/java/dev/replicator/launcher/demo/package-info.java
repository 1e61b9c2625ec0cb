/**
 * {@code replicator demo}: the main job end to end on real servers, checked at the end. Reading order: {@link
 * dev.replicator.launcher.demo.DemoCommand}, then {@code DemoScript} (the steps), {@code DemoTraffic} (what the
 * applications on the master do meanwhile).
 */
package dev.replicator.launcher.demo;
