package dev.replicator.launcher.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Repeated measurements of one thing. */
final class Measured {
    private final List<Double> values = new ArrayList<>();

    static Measured of(double... values) {
        Measured measured = new Measured();
        for (double value : values) {
            measured.add(value);
        }
        return measured;
    }

    void add(double value) {
        values.add(value);
    }

    List<Double> values() {
        return List.copyOf(values);
    }

    /** Middle value; mean of the two middle ones for an even count. */
    double median() {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    double least() {
        return Collections.min(values);
    }

    double most() {
        return Collections.max(values);
    }

    /** Median, with the spread if there is one. */
    String text() {
        String median = Figure.decimal(median());
        return values.size() == 1
                ? median
                : median + " (" + Figure.decimal(least()) + " to " + Figure.decimal(most()) + ")";
    }

    ObjectNode json() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("median", median()).put("least", least()).put("most", most());
        node.putPOJO("values", values());
        return node;
    }
}
