package dev.replicator.launcher.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * One line of the table: what was measured, on both sides if native replication has the thing, and the bar.
 *
 * @param scenario for example {@code catch-up from queue}
 * @param name for example the workload
 * @param unit of both sides' values
 * @param nativeSide null if native replication has no such thing
 * @param ours never null
 * @param bar null when there is none
 * @param details further values for the JSON only
 */
record Figure(
        String scenario,
        String name,
        String unit,
        Measured nativeSide,
        Measured ours,
        Bar bar,
        Map<String, Object> details) {

    Figure(String scenario, String name, String unit, Measured nativeSide, Measured ours, Bar bar) {
        this(scenario, name, unit, nativeSide, ours, bar, new LinkedHashMap<>());
    }

    Figure with(String key, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(details);
        more.put(key, value);
        return new Figure(scenario, name, unit, nativeSide, ours, bar, more);
    }

    /** Native's median by ours; above 1 we need less. NaN without a native side. */
    double ratio() {
        return nativeSide == null ? Double.NaN : nativeSide.median() / ours.median();
    }

    /** Whether the bar holds; true without one. */
    boolean holds() {
        return bar == null || bar.holds(this);
    }

    ObjectNode json() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("scenario", scenario).put("name", name).put("unit", unit);
        if (nativeSide != null) {
            node.set("native", nativeSide.json());
        }
        node.set("replicator", ours.json());
        if (nativeSide != null) {
            node.put("ratio", ratio());
        }
        if (bar != null) {
            node.put("bar", bar.text()).put("holds", holds());
        }
        details.forEach(node::putPOJO);
        return node;
    }

    static String decimal(double value) {
        double size = Math.abs(value);
        return String.format(Locale.ROOT, size >= 100 ? "%,.0f" : size >= 10 ? "%.1f" : "%.2f", value);
    }
}
