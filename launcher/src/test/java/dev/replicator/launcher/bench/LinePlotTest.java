package dev.replicator.launcher.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class LinePlotTest {
    private static final List<LinePlot.Point> RISING =
            List.of(new LinePlot.Point(1, 0.5), new LinePlot.Point(2, 5), new LinePlot.Point(4, 50));

    @Test
    void shouldHoldEverySeriesAndText() throws Exception {
        Document svg = parse(new LinePlot("a < b & c", "slaves", "CPU seconds")
                .add("native", RISING)
                .add("ours & theirs", List.of(new LinePlot.Point(1, 1), new LinePlot.Point(4, 2)))
                .svg());

        NodeList lines = svg.getElementsByTagName("polyline");
        assertEquals(2, lines.getLength());
        assertEquals(3, points((Element) lines.item(0)).length);
        assertEquals(2, points((Element) lines.item(1)).length);
        List<String> texts = texts(svg);
        assertTrue(
                texts.containsAll(List.of("a < b & c", "slaves", "CPU seconds", "native", "ours & theirs")),
                texts.toString());
    }

    @Test
    void shouldPlaceValuesByTheirLogarithm() throws Exception {
        Document svg = parse(
                new LinePlot("", "x", "y").logarithmic().add("line", RISING).svg());

        String[] points = points((Element) svg.getElementsByTagName("polyline").item(0));
        double first = height(points[0]);
        double second = height(points[1]);
        double third = height(points[2]);
        assertTrue(first > second, "larger values are further up");
        assertEquals(first - second, second - third, 0.15);
        assertTrue(
                texts(svg).containsAll(List.of("0.1", "1", "10", "100")),
                texts(svg).toString());
    }

    @Test
    void shouldRefuseALogarithmOfZero() {
        LinePlot plot = new LinePlot("", "x", "y").logarithmic().add("line", List.of(new LinePlot.Point(1, 0)));

        assertThrows(IllegalArgumentException.class, plot::svg);
    }

    @Test
    void shouldWriteAnEmptyPlotIntoANewDirectory(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("plots/empty.svg");

        new LinePlot("nothing", "x", "y").write(file);

        assertTrue(texts(parse(Files.readString(file))).contains("nothing"));
    }

    @Test
    void shouldTickAtEvenSteps() {
        assertEquals(
                List.of(0.0, 2.0, 4.0, 6.0, 8.0, 10.0), PlotAxis.linear(0, 9.1).ticks());
        assertEquals(3.0, PlotAxis.linear(3, 3).ticks().get(0));
        assertEquals("0.01", PlotAxis.label(0.01));
        assertEquals("10000", PlotAxis.label(10_000));
    }

    private static double height(String point) {
        return Double.parseDouble(point.split(",")[1]);
    }

    private static String[] points(Element line) {
        return line.getAttribute("points").trim().split(" ");
    }

    private static List<String> texts(Document svg) {
        NodeList nodes = svg.getElementsByTagName("text");
        return java.util.stream.IntStream.range(0, nodes.getLength())
                .mapToObj(i -> nodes.item(i).getTextContent())
                .toList();
    }

    private static Document parse(String svg) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
    }
}
