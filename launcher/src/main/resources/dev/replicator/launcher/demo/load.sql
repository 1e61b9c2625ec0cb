INSERT INTO shop.customers (email, tier, home, discount, tags, profile)
SELECT 'customer' || i || '@example.com', (ARRAY['bronze', 'silver', 'gold'])[1 + i % 3]::shop.tier,
       ROW('Main street ' || i, 'Town "' || i % 50 || '"', lpad(i::text, 5, '0'))::shop.address, i % 100,
       ARRAY['t' || i % 7, NULL, 'a,b{c}'], jsonb_build_object('n', i, 'nested', jsonb_build_array(1, NULL, 'x'))
FROM generate_series(1, 5000) i;
INSERT INTO shop.products
SELECT i, 'SKU-' || i, i * 1.37, CASE i % 5 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' ELSE i / 7.0 END,
       daterange('2026-01-01'::date + i % 300, NULL), int4multirange(int4range(1, 5), int4range(10 + i, 20 + i)),
       box(point(i, i), point(-i, 0.1)), (i % 256)::bit(8), decode(md5(i::text), 'hex'),
       to_tsvector('simple', 'item number ' || i), make_interval(days => i % 30, secs => i % 60 - 0.25),
       ('10.' || i % 256 || '.0.0/16')::cidr
FROM generate_series(1, 2000) i;
INSERT INTO shop.orders (customer_id, status) SELECT 1 + i % 5000, 'new' FROM generate_series(1, 10000) i;
INSERT INTO shop.order_lines
SELECT o, l, 1 + (o * 7 + l) % 2000, 1 + l, (o % 500) + 0.99 FROM generate_series(1, 10000) o, generate_series(1, 3) l;
INSERT INTO shop.documents (title, body)
SELECT 'Document ' || i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 200) j)
FROM generate_series(1, 300) i;
INSERT INTO shop.events (day, kind, payload)
SELECT '2026-07-01'::date + i % 180, 'kind' || i % 4, json_build_object('i', i) FROM generate_series(1, 5000) i;
INSERT INTO shop.salaries SELECT i, 'secret-person-' || i, 1000 + i FROM generate_series(1, 500) i;
ANALYZE;
