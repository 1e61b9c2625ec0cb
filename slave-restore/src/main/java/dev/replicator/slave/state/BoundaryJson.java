package dev.replicator.slave.state;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.queue.Boundary;
import java.util.ArrayList;
import java.util.List;

/** A boundary as {@code jsonb} in {@code table_state} and {@code restore}. */
final class BoundaryJson {
    private static final ObjectMapper JSON = new ObjectMapper();

    private BoundaryJson() {}

    static String write(Boundary boundary) {
        if (boundary == null) {
            return null;
        }
        ObjectNode node = JSON.createObjectNode();
        node.put("baseSeq", boundary.baseSeq()).put("xmin", boundary.xmin()).put("xmax", boundary.xmax());
        ArrayNode running = node.putArray("inProgress");
        boundary.inProgress().forEach(running::add);
        node.put("marker", boundary.markerId());
        return node.toString();
    }

    static Boundary read(String json) {
        if (json == null) {
            return null;
        }
        try {
            JsonNode node = JSON.readTree(json);
            List<Long> running = new ArrayList<>();
            node.required("inProgress").forEach(id -> running.add(id.asLong()));
            return new Boundary(
                    node.required("baseSeq").asLong(),
                    node.required("xmin").asLong(),
                    node.required("xmax").asLong(),
                    running,
                    node.required("marker").asText());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a boundary in schema replicator is damaged: " + json, e);
        }
    }
}
