-- An operator confirms the orders of all companies: those that wait are few among many.
CREATE INDEX orders_pending ON orders (company, id) WHERE status = 'pending';
