CREATE TABLE `webhook_attempts` (
	`delivery_position` integer NOT NULL,
	`number` integer NOT NULL,
	`started_at` integer NOT NULL,
	`duration_ms` integer NOT NULL,
	`request` text NOT NULL,
	`response` text,
	`error` text,
	PRIMARY KEY(`delivery_position`, `number`),
	FOREIGN KEY (`delivery_position`) REFERENCES `webhook_deliveries`(`position`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `webhook_deliveries` (
	`position` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`event_position` integer NOT NULL,
	`endpoint` text NOT NULL,
	`status` text DEFAULT 'due' NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`due_at` integer NOT NULL,
	`error` text,
	`created_at` integer NOT NULL,
	`finished_at` integer,
	FOREIGN KEY (`event_position`) REFERENCES `webhook_events`(`position`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `webhook_deliveries_id_unique` ON `webhook_deliveries` (`id`);--> statement-breakpoint
CREATE INDEX `webhook_deliveries_by_event` ON `webhook_deliveries` (`event_position`);--> statement-breakpoint
CREATE INDEX `webhook_deliveries_due` ON `webhook_deliveries` (`endpoint`,`due_at`) WHERE finished_at is null;--> statement-breakpoint
CREATE INDEX `webhook_deliveries_in_order` ON `webhook_deliveries` (`endpoint`) WHERE finished_at is null;--> statement-breakpoint
CREATE INDEX `webhook_deliveries_dead` ON `webhook_deliveries` (`endpoint`) WHERE status = 'dead';--> statement-breakpoint
CREATE TABLE `webhook_endpoints` (
	`name` text PRIMARY KEY NOT NULL,
	`last_success_at` integer,
	`last_failure_at` integer,
	`failing_since` integer,
	`disabled_at` integer,
	`disabled_reason` text,
	`disabled_url` text
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `webhook_events` (
	`position` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`type` text NOT NULL,
	`body` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `webhook_events_id_unique` ON `webhook_events` (`id`);--> statement-breakpoint
CREATE INDEX `webhook_events_to_prune` ON `webhook_events` (`created_at`);